/* The dynamic linker allocates before the C library knows the environment. */
#include "options.h"

// Those of one region lie within its size, and those that it has no room for do not. No thread
// touches the blocks.
static void expect_a_region_of(size_t region_bytes, size_t block_bytes)
{
    size_t at_first = region_bytes / block_bytes * 3 / 4, after = region_bytes / block_bytes * 5 / 4;
    uintptr_t lowest = UINTPTR_MAX, highest = 0;
    for (size_t i = 0; i < after; i++) {
        uintptr_t at = (uintptr_t)hidden(malloc(block_bytes));
        EXPECT(at != 0);
        lowest = at < lowest ? at : lowest;
        highest = at > highest ? at : highest;
        if (i < at_first) EXPECT(highest - lowest < region_bytes);
    }
    EXPECT(highest - lowest > region_bytes);
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    free(hidden(malloc(1)));
    if (arguments > 1) {
        size_t region_bytes = strtoul(argument[1], NULL, 10) * MIB;
        expect_a_region_of(region_bytes, region_bytes < 1024 * MIB ? 30 * KIB : MIB);
        return 0;
    }
    struct run run = run_with("region_size=64M", "64");
    EXPECT(succeeded(&run));
    // Large blocks beyond the first 32 MiB have a region of their own, unless there are no huge
    // pages to keep them from.
    run = run_with("region_size=1G,huge_pages=never", "1024");
    EXPECT(succeeded(&run));
}
