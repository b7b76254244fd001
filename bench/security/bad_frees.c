#include "mistake.h"

#include <sys/mman.h>

enum { OTHERS = 8, TRIES = 100, FORGED_BYTES = 1024, FORGED_SIZE = 0x71 };

static uint64_t object[FORGED_BYTES / sizeof(uint64_t)] = {1};

static void inside(size_t bytes, size_t offset)
{
    char *block = bytes < LARGE ? surrounded_block(bytes) : block_of(bytes);
    forbid(block, malloc_usable_size(block));
    calling();
    free(block + offset);
    go_on(bytes);
}

static void inside_small_by_1(void) { inside(SMALL, 1); }
static void inside_small_by_8(void) { inside(SMALL, 8); }
static void inside_small_by_16(void) { inside(SMALL, 16); }
static void inside_large_by_16(void) { inside(LARGE, 16); }
static void inside_large_by_a_page(void) { inside(LARGE, PAGE); }
static void inside_huge_by_16(void) { inside(HUGE, 16); }
static void inside_huge_by_a_page(void) { inside(HUGE, PAGE); }

static void free_of(void *start, size_t bytes)
{
    free(block_of(SMALL));
    if (bytes > 0) forbid(start, bytes);
    calling();
    free(start);
    go_on(SMALL);
}

static void stack(void)
{
    _Alignas(64) char local[FORGED_BYTES] = {0};
    free_of(local + 512, 512);
}

/* What stands before a block of glibc's says how long it is. */
static void forged(void)
{
    _Alignas(64) uint64_t local[FORGED_BYTES / sizeof(uint64_t)];
    for (size_t i = 0; i < COUNT_OF(local); i++) local[i] = FORGED_SIZE;
    free_of(local + 16, sizeof local - 16 * sizeof local[0]);
}

static void global(void) { free_of(object, sizeof object); }
static void code(void) { free_of((void *)(uintptr_t)free_of, 0); }
static void unmapped(void) { free_of((void *)0x123456789000, 0); }
static void first_page(void) { free_of((void *)0x40, 0); }
static void non_canonical(void) { free_of((void *)0x4141414141414140, 0); }

static void foreign(void)
{
    char *mapping = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    forbid(mapping, MIB);
    free_of(mapping + 256 * KIB, 0);
}

static int is_one_of(char *const *blocks, const char *address)
{
    for (int i = 0; i < OTHERS; i++) {
        if (blocks[i] == address) return 1;
    }
    return 0;
}

static void never_allocated(void)
{
    char *blocks[OTHERS];
    size_t distance = SIZE_MAX;
    for (int i = 0; i < OTHERS; i++) blocks[i] = malloc(2000);
    for (int i = 0; i < OTHERS * OTHERS; i++) {
        const char *a = blocks[i / OTHERS], *b = blocks[i % OTHERS];
        if (a > b && (size_t)(a - b) < distance) distance = (size_t)(a - b);
    }
    int away = 1;
    while (is_one_of(blocks, blocks[0] + (size_t)away * distance)) away++;
    calling();
    free(blocks[0] + (size_t)away * distance);
    go_on(2000);
}

static void realloc_inside(void)
{
    char *block = surrounded_block(SMALL);
    forbid(block, malloc_usable_size(block));
    calling();
    free(realloc(block + 16, 4 * SMALL));
    go_on(SMALL);
}

static void realloc_of_stack(void)
{
    _Alignas(64) char local[FORGED_BYTES] = {0};
    forbid(local, sizeof local);
    calling();
    free(realloc(local + 512, 4 * SMALL));
    go_on(SMALL);
}

static void usable_size_of(void *start)
{
    calling();
    end(malloc_usable_size(start) == 0 ? NO_HARM : HARM);
}

static void usable_size_of_freed(void)
{
    char *block = surrounded_block(SMALL);
    free(block);
    usable_size_of(block);
}

static void usable_size_inside(void) { usable_size_of(surrounded_block(SMALL) + 16); }

static void usable_size_of_stack(void)
{
    _Alignas(64) char local[FORGED_BYTES] = {0};
    usable_size_of(local + 512);
}

static const struct mistake MISTAKES[] = {
    {"1 byte inside a small block", inside_small_by_1},
    {"8 bytes inside a small block", inside_small_by_8},
    {"16 bytes inside a small block", inside_small_by_16},
    {"16 bytes inside a large block", inside_large_by_16},
    {"a page inside a large block", inside_large_by_a_page},
    {"16 bytes inside a huge block", inside_huge_by_16},
    {"a page inside a huge block", inside_huge_by_a_page},
    {"on the stack", stack},
    {"on the stack, laid out like a block of glibc's", forged},
    {"a global object", global},
    {"code", code},
    {"unmapped", unmapped},
    {"in the first page", first_page},
    {"non-canonical", non_canonical},
    {"a foreign mapping", foreign},
    {"a slot never allocated", never_allocated},
    {"realloc, 16 bytes inside a small block", realloc_inside},
    {"realloc, on the stack", realloc_of_stack},
    {"malloc_usable_size of a freed block", usable_size_of_freed},
    {"malloc_usable_size, 16 bytes inside a small block", usable_size_inside},
    {"malloc_usable_size, on the stack", usable_size_of_stack},
};

const struct group BAD_FREES = {"Free of what is no block", MISTAKES, COUNT_OF(MISTAKES)};
