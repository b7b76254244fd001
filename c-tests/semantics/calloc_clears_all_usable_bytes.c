// What malloc_usable_size promises of a calloc block is zero, too: programs grow into it (systemd
// does). Over slots and large blocks that were dirty before, at every size up to 70,000 bytes, and
// some beyond.
#include "expect.h"

static void expect_clear_after_reuse(size_t bytes)
{
    void *dirty = hidden(malloc(bytes));
    EXPECT(dirty != NULL);
    memset(dirty, 0xff, malloc_usable_size(dirty));
    free(dirty);
    void *clear = hidden(calloc(1, bytes));
    EXPECT(clear != NULL);
    EXPECT(malloc_usable_size(clear) >= bytes);
    EXPECT(is_zero(clear, malloc_usable_size(clear)));
    free(clear);
}

int main(void)
{
    for (size_t bytes = 1; bytes < 70000; bytes++) expect_clear_after_reuse(bytes);
    for (size_t bytes = 70001; bytes < 40 * MIB; bytes = bytes * 5 / 4) expect_clear_after_reuse(bytes);
    return 0;
}
