/* A program keeps one object in twenty, and goes on with another size at once: its resident set
 * stays what it was, without a trim, and without time to pass. */
#include "survivors.h"

enum { BLOCKS = 30000, LEAST = 400, MOST = 1200, ONE_IN = 20, LATER_BLOCKS = 9000, LATER_BYTES = 2000 };

static struct block block[BLOCKS], later[LATER_BLOCKS];

int main(void)
{
    require_tinyalloc();
    require_small_pages();
    memset(block, 0xFF, sizeof block);
    memset(block, 0, sizeof block);
    memset(later, 0xFF, sizeof later);
    size_t start = resident_bytes();
    make_blocks(block, BLOCKS, LEAST, MOST);
    size_t before = resident_bytes();
    EXPECT(before > start + 20 * MIB);
    thin_out(block, BLOCKS, ONE_IN);
    make_blocks(later, LATER_BLOCKS, LATER_BYTES, LATER_BYTES);
    EXPECT_RESIDENT_AT_MOST(before, (size_t)LATER_BLOCKS * LATER_BYTES / 3);
    check_blocks(block, BLOCKS);
    free_blocks(later, LATER_BLOCKS);
    free_blocks(block, BLOCKS);
    return 0;
}
