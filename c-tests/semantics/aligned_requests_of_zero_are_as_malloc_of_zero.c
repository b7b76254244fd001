/* Up to an alignment of a page, whatever the function; pvalloc rounds up to a page first, as in
 * glibc. */
#include "expect.h"

typedef void *allocate(size_t alignment);

static void *by_posix_memalign(size_t alignment)
{
    void *block = NULL;
    EXPECT(posix_memalign(&block, alignment, hidden_size(0)) == 0);
    return block;
}

static void *by_memalign(size_t alignment) { return memalign(alignment, hidden_size(0)); }

static void *by_aligned_alloc(size_t alignment) { return aligned_alloc(alignment, hidden_size(0)); }

static void *by_valloc(size_t alignment) { return alignment == 4096 ? valloc(hidden_size(0)) : malloc(hidden_size(0)); }

static allocate *const calls[] = {by_posix_memalign, by_memalign, by_aligned_alloc, by_valloc};

static void read_it(void *at) { (void)*(volatile char *)at; }

static void write_it(void *at) { *(volatile char *)at = 1; }

static void free_twice(void)
{
    void *block = by_aligned_alloc(64);
    free(block);
    free(culprit(block));
}

static void free_inside(void) { free(culprit((char *)by_memalign(1024) + 8)); }

static void check_each(allocate *call)
{
    enum { BLOCKS = 300 };
    static char *block[BLOCKS];
    for (size_t alignment = 8; alignment <= 4096; alignment *= 2) {
        for (int i = 0; i < BLOCKS; i++) {
            /* A slot that lies ready is not for it. */
            free(memalign(alignment, alignment));
            block[i] = call(alignment);
            EXPECT(block[i] && (call == by_valloc || is_aligned(block[i], alignment)));
            EXPECT(malloc_usable_size(block[i]) == 0);
            for (int j = 0; j < i; j++) EXPECT(block[j] != block[i]);
        }
        block[0] = realloc(block[0], 100);
        EXPECT(block[0] && malloc_usable_size(block[0]) >= 100);
        memset(block[0], 1, 100);
        for (int i = 0; i < BLOCKS; i++) free(block[i]);
    }
    expect_trap(read_it, call(64));
    expect_trap(write_it, call(4096));
}

int main(void)
{
    require_tinyalloc();
    if (sysconf(_SC_PAGESIZE) != 4096) skip("pages of another size");
    for (size_t i = 0; i < COUNT_OF(calls); i++) check_each(calls[i]);
    expect_abort(free_twice, "double free of %p");
    expect_abort(free_inside, "invalid free of %p: 8 bytes inside");

    char *page = pvalloc(hidden_size(0));
    EXPECT(page && is_aligned(page, 4096) && malloc_usable_size(page) >= 4096);
    fill(page, 4096, 1);
    free(page);
    char *larger = aligned_alloc(8192, hidden_size(0));
    EXPECT(larger && is_aligned(larger, 8192));
    free(larger);
}
