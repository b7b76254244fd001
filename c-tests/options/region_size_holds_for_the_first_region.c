/* The dynamic linker allocates before the C library knows the environment. */
#include "options.h"

// Blocks of a mebibyte, which nobody touches: those of one region lie within its size, and those that it has no room for do not.
static void expect_a_region_of(size_t mebibytes)
{
    size_t at_first = mebibytes * 3 / 4, after = mebibytes * 5 / 4;
    uintptr_t lowest = UINTPTR_MAX, highest = 0;
    for (size_t i = 0; i < after; i++) {
        uintptr_t at = (uintptr_t)hidden(malloc(MIB));
        EXPECT(at != 0);
        lowest = at < lowest ? at : lowest;
        highest = at > highest ? at : highest;
        if (i < at_first) EXPECT(highest - lowest < mebibytes * MIB);
    }
    EXPECT(highest - lowest > mebibytes * MIB);
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    free(hidden(malloc(1)));
    if (arguments > 1) {
        expect_a_region_of(strtoul(argument[1], NULL, 10));
        return 0;
    }
    struct run run = run_with("region_size=64M", "64");
    EXPECT(succeeded(&run));
    run = run_with("region_size=1G", "1024");
    EXPECT(succeeded(&run));
}
