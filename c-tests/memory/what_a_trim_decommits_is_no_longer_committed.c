/* The statistics follow: pages between survivors are charged no longer, and what is live is counted
 * as before. */
#include "survivors.h"

enum { BLOCKS = 30000, ONE_IN = 20 };

static struct block block[BLOCKS];

int main(void)
{
    require_tinyalloc();
    require_small_pages();
    malloc_trim(0);
    struct ta_stats empty = stats();
    make_blocks(block, BLOCKS, 512, 2048);
    struct ta_stats full = stats();
    EXPECT(full.committed - empty.committed >= bytes_live(block, BLOCKS));
    thin_out(block, BLOCKS, ONE_IN);
    struct ta_stats thin = stats();
    EXPECT(malloc_trim(0) == 1);
    struct ta_stats trimmed = stats();
    EXPECT(trimmed.allocated == thin.allocated);
    EXPECT(trimmed.live_slots == thin.live_slots);
    EXPECT(trimmed.purged_bytes > thin.purged_bytes);
    EXPECT(trimmed.committed <= empty.committed + bytes_of_pages_with(block, BLOCKS) * 5 / 4 + 2 * MIB);
    free_blocks(block, BLOCKS);
    EXPECT(stats().allocated <= empty.allocated + 64 * KIB);
    return 0;
}
