#include "expect.h"

enum { BLOCKS = 1000, BLOCK_BYTES = 100 };

int main(void)
{
    static void *block[BLOCKS];
    require_tinyalloc();
    struct ta_stats begin = stats();
    for (int i = 0; i < BLOCKS; i++) block[i] = malloc(BLOCK_BYTES);
    void *large = malloc(300000), *huge = malloc(200 * MIB);
    EXPECT(large && huge);
    struct ta_stats high = stats();
    EXPECT(high.live_slots == begin.live_slots + BLOCKS);
    EXPECT(high.large_blocks + high.huge_blocks == begin.large_blocks + begin.huge_blocks + 2);
    EXPECT(high.huge_blocks == begin.huge_blocks + 1);
    EXPECT(high.allocated >= begin.allocated + BLOCKS * BLOCK_BYTES + 300000 + 200 * MIB);
    EXPECT(high.allocated <= begin.allocated + BLOCKS * BLOCK_BYTES * 5 / 4 + 300000 * 5 / 4 + 201 * MIB);
    EXPECT(high.committed >= high.allocated);
    EXPECT(high.reserved >= high.committed);
    EXPECT(high.metadata > 0);
    EXPECT(high.metadata < 4 * MIB);
    EXPECT(high.heaps >= 1);
    EXPECT(high.spans >= 1);
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    free(large);
    free(huge);
    struct ta_stats end = stats();
    EXPECT(end.live_slots == begin.live_slots);
    EXPECT(end.large_blocks == begin.large_blocks);
    EXPECT(end.huge_blocks == begin.huge_blocks);
    EXPECT(end.allocated == begin.allocated);
}
