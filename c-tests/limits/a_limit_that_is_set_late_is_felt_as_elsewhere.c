// RLIMIT_AS, set by a program for itself after it has allocated (python's resource.setrlimit, the
// sandboxes of judges): threads, mappings and libraries go on, and malloc fails near the limit, and
// works again below it.
#include "expect.h"

static void limit(size_t bytes)
{
    struct rlimit to = {bytes, RLIM_INFINITY};
    EXPECT(setrlimit(RLIMIT_AS, &to) == 0);
}

static void *body(void *argument)
{
    void *block = malloc(1000);
    EXPECT(block != NULL);
    free(block);
    return argument;
}

static void expect_others_go_on(void)
{
    run_in_thread(body, NULL);
    void *mapping = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(mapping != MAP_FAILED);
    EXPECT(munmap(mapping, 16 * MIB) == 0);
    void *library = dlopen("libresolv.so.2", RTLD_NOW);
    EXPECT(library != NULL);
    dlclose(library);
}

// Returns how much was to be had, in blocks of one size.
static size_t fill_up(size_t bytes)
{
    struct block { struct block *next; } *blocks = NULL, *block;
    size_t total = 0;
    for (errno = ERRNO_UNTOUCHED; (block = malloc(bytes)) != NULL; total += bytes) {
        block->next = blocks;
        blocks = block;
    }
    EXPECT(errno == ENOMEM);
    while ((block = blocks) != NULL) {
        blocks = block->next;
        free(block);
    }
    return total;
}

int main(void)
{
    watchdog(50);
    free(hidden(malloc(10)));
    size_t before = address_space_bytes();
    limit(before + 2048 * MIB);
    expect_others_go_on();
    limit(before + 96 * MIB);
    expect_others_go_on();
    static const size_t sizes[] = {100, 3000, 100000, 3000000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t total = fill_up(sizes[i]);
        say("%zu bytes: %zu KiB of 96 MiB\n", sizes[i], total / KIB);
        EXPECT(total <= 96 * MIB);
        EXPECT(total >= 40 * MIB);
        malloc_trim(0);
    }
    return 0;
}
