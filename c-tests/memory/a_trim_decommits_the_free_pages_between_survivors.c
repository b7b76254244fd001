/* A cache drops most of its entries: the pages without a live block go back. */
#include "survivors.h"

enum { BLOCKS_MAX = 120000 };

static const struct { size_t blocks, least, most; unsigned one_in; } mixes[] = {
    {30000, 512, 2048, 20},
    {BLOCKS_MAX, 16, 400, 200},
    {10000, 2048, 8192, 10},
};

static struct block block[BLOCKS_MAX];

int main(void)
{
    require_small_pages();
    memset(block, 0xFF, sizeof block);
    memset(block, 0, sizeof block);
    for (size_t i = 0; i < COUNT_OF(mixes); i++) {
        malloc_trim(0);
        size_t before = resident_bytes();
        make_blocks(block, mixes[i].blocks, mixes[i].least, mixes[i].most);
        thin_out(block, mixes[i].blocks, mixes[i].one_in);
        EXPECT(malloc_trim(0) == 1);
        EXPECT_RESIDENT_AT_MOST(before, bytes_of_pages_with(block, mixes[i].blocks) * 5 / 4 + 2 * MIB);
        free_blocks(block, mixes[i].blocks);
    }
    return 0;
}
