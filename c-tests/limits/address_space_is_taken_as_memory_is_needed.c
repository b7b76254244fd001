// What `top` shows as VIRT, RLIMIT_AS counts, mlockall compares with RLIMIT_MEMLOCK and gcore
// writes out: beyond what the program had, no more than twice of what is committed, and 64 MiB. At
// the start, with small blocks, with large ones, with a heap of its own, and after all was freed.
#include "expect.h"

enum { SMALL = 100000, LARGE = 300 };

static void expect_no_more_than_needed(size_t before)
{
    EXPECT(address_space_bytes() <= before + 2 * stats().committed + 64 * MIB);
}

int main(void)
{
    static void *small[SMALL], *large[LARGE];
    require_tinyalloc();
    size_t before = address_space_bytes();
    EXPECT(before < 256 * MIB);
    expect_no_more_than_needed(before);
    for (size_t i = 0; i < SMALL; i++) EXPECT((small[i] = malloc(i % 3000)) != NULL);
    expect_no_more_than_needed(before);
    for (size_t i = 0; i < LARGE; i++) EXPECT((large[i] = malloc(i * 10000)) != NULL);
    expect_no_more_than_needed(before);
    size_t high = address_space_bytes();
    for (size_t i = 0; i < SMALL; i++) free(small[i]);
    for (size_t i = 0; i < LARGE; i++) free(large[i]);
    malloc_trim(0);
    EXPECT(address_space_bytes() <= high);
    // The same again needs no more.
    for (size_t i = 0; i < LARGE; i++) EXPECT((large[i] = malloc(i * 10000)) != NULL);
    EXPECT(address_space_bytes() <= high + 8 * MIB);
    return 0;
}
