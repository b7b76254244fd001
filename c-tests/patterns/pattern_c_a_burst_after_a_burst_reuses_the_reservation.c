/* Pattern C of the mission: reserved, decommitted, committed again, and nothing leaks. */
#include "expect.h"

enum { BURSTS = 5, BLOCKS = 100000 };

static void *block[BLOCKS];

static void burst(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        size_t bytes = (size_t)(i % 1000 == 0 ? 100000 : i * 7 % 1000 + 1);
        block[i] = malloc(bytes);
        EXPECT(block[i] != NULL);
        memset(block[i], 1, bytes);
    }
}

static void free_all(void)
{
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    malloc_trim(0);
}

int main(void)
{
    require_tinyalloc();
    memset(block, 1, sizeof block);
    struct ta_stats begin = stats();
    size_t resident = resident_bytes();
    burst();
    struct ta_stats high = stats();
    size_t space = address_space_bytes();
    EXPECT(high.allocated >= begin.allocated + 50 * MIB);
    EXPECT(high.committed >= high.allocated);
    EXPECT(high.reserved >= high.committed);
    EXPECT(high.live_slots >= begin.live_slots + BLOCKS - BLOCKS / 1000);
    free_all();
    EXPECT(stats().committed <= begin.committed + 2 * MIB);
    EXPECT(stats().purged_bytes > high.purged_bytes);
    EXPECT(resident_bytes() <= resident + 4 * MIB);
    for (int i = 0; i < BURSTS; i++) {
        burst();
        EXPECT(stats().committed <= high.committed + high.committed / 10);
        free_all();
    }
    struct ta_stats end = stats();
    EXPECT(end.reserved <= high.reserved);
    EXPECT(end.allocated <= begin.allocated + 64 * KIB);
    EXPECT(end.live_slots <= begin.live_slots + 16);
    EXPECT(end.committed <= begin.committed + 2 * MIB);
    EXPECT(resident_bytes() <= resident + 4 * MIB);
    EXPECT(address_space_bytes() <= space + 4 * MIB);
}
