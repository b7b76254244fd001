/* With valgrind=on memcheck knows the blocks of every heap, and that they end when the heap is
 * reset or destroyed. */
#include "heap.h"
#include "../options/memcheck.h"

enum { BLOCKS = 300 };

static char *volatile block;
static volatile char seen;

static int is(const char *mistake, const char *name) { return strcmp(mistake, name) == 0; }

static void use(ta_heap_t *heap)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        block = ta_heap_malloc(heap, i * i + 1);
        memset(block, 1, i * i + 1);
        if (i % 3 == 0) ta_heap_free(heap, block);
    }
    block = ta_heap_calloc(heap, 100, 1);
    EXPECT(block[0] == 0 && block[99] == 0);
}

static void *use_in_thread(void *heap)
{
    use(heap);
    return NULL;
}

static int count(void *met, size_t bytes, void *counter)
{
    if (met == block) EXPECT(bytes >= 100);
    ++*(int *)counter;
    return 0;
}

/* Free slots, and blocks that no thread has written to yet, are distinguished without an error. */
static void walk(ta_heap_t *heap)
{
    int counter = 0;
    block = ta_heap_malloc(heap, 100);
    EXPECT(ta_heap_walk(heap, count, &counter) == 0);
    EXPECT(counter == BLOCKS - BLOCKS / 3 + 2);
    ta_heap_free(heap, block);
}

static void use_clean(ta_heap_t *heap)
{
    use(heap);
    walk(heap);
    run_in_thread(use_in_thread, heap);
    ta_heap_free(heap, block);
    EXPECT(ta_heap_reset(heap) == 0);
    use(heap);
    ta_heap_t *other = heap_of("other", 0);
    use(other);
    EXPECT(ta_heap_destroy(other) == 0);
    block = malloc(100);
    memset(block, 1, 100);
    free(block);
}

static int make(const char *mistake)
{
    ta_heap_t *heap = heap_of("session", 0);
    if (is(mistake, "clean")) use_clean(heap);
    block = ta_heap_malloc(heap, 100);
    if (is(mistake, "undefined") && block[5]) seen = 1;
    if (is(mistake, "after free")) ta_heap_free(heap, block), seen = block[0];
    block = NULL;
    if (!is(mistake, "leak")) EXPECT(ta_heap_destroy(heap) == 0);
    return 0;
}

int main(int arguments, char **argument)
{
    if (arguments > 1) return make(argument[1]);
    expect_clean("clean");
    expect_memcheck("undefined", "depends on uninitialised value", "main");
    expect_memcheck("after free", "Invalid read of size 1", "is 0 bytes inside a block of size 100 free'd");
    expect_memcheck("leak", "100 bytes in 1 blocks are definitely lost", "main");
}
