/* With valgrind=on memcheck knows every block: it finds accesses to freed and beyond live ones,
 * undefined bytes and leaks. */
#include "memcheck.h"

enum { CLEAN_SIZES = 700, LARGE_BYTES = 200 * 1000, HUGE_BYTES = 40 << 20 };

static char *volatile block;
static volatile char seen;

static int is(const char *mistake, const char *name) { return strcmp(mistake, name) == 0; }

static void use_blocks(void)
{
    for (size_t bytes = 1; bytes < CLEAN_SIZES; bytes += 3) {
        block = malloc(bytes);
        memset(block, 1, bytes);
        block = realloc(block, bytes + 100);
        EXPECT(malloc_usable_size(block) == bytes + 100);
        EXPECT(block[bytes - 1] == 1);
        memset(block, 2, bytes + 100);
        free(block);
    }
    for (size_t bytes = 10; bytes < HUGE_BYTES; bytes *= 7) {
        block = calloc(bytes, 1);
        EXPECT(block[0] == 0 && block[bytes - 1] == 0);
        block = realloc(block, bytes * 2);
        EXPECT(block[bytes - 1] == 0);
        free(block);
        block = memalign(256, bytes);
        block[bytes - 1] = 1;
        free(block);
    }
}

static void *use_in_thread(void *unused)
{
    use_blocks();
    block = malloc(100);
    return unused;
}

/* The blocks of one thread are freed by another, which ends before. */
static void use_clean(void)
{
    run_in_thread(use_in_thread, NULL);
    free(block);
    malloc_trim(0);
    use_blocks();
}

__attribute__((noinline)) static void lose(size_t bytes)
{
    block = malloc(bytes);
    block = NULL;
}

static int make(const char *mistake)
{
    if (is(mistake, "clean")) use_clean();
    if (is(mistake, "leak")) lose(123);
    if (is(mistake, "large leak")) lose(LARGE_BYTES);
    if (is(mistake, "clean") || strstr(mistake, "leak")) return 0;
    block = malloc(strstr(mistake, "large") ? LARGE_BYTES : 100);
    if (strstr(mistake, "undefined") && block[5]) seen = 1;
    if (is(mistake, "overflow")) block[100] = 1;
    if (is(mistake, "large overflow")) block[LARGE_BYTES] = 1;
    if (is(mistake, "after realloc")) {
        char *old = block;
        block = realloc(block, 101);
        seen = old[99];
    }
    free(block);
    if (is(mistake, "after free")) seen = block[0];
    return 0;
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    if (arguments > 1) return make(argument[1]);
    expect_clean("clean");
    expect_memcheck("after free", "Invalid read of size 1", "is 0 bytes inside a block of size 100 free'd");
    expect_memcheck("after realloc", "Invalid read of size 1", "is 99 bytes inside a block of size 100 free'd");
    expect_memcheck("overflow", "Invalid write of size 1", "is 0 bytes after a block of size 100 alloc'd");
    expect_memcheck("large overflow", "Invalid write of size 1", "is 0 bytes after a block of size 200,000 alloc'd");
    expect_memcheck("undefined", "depends on uninitialised value", "main");
    expect_memcheck("large undefined", "depends on uninitialised value", "main");
    expect_memcheck("leak", "123 bytes in 1 blocks are definitely lost", "malloc");
    expect_memcheck("large leak", "200,000 bytes in 1 blocks are definitely lost", "malloc");
}
