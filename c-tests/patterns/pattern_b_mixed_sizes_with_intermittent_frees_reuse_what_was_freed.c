/* Pattern B of the mission: commit and decommit as needed, freed slots reused. */
#include "expect.h"

enum { BLOCKS = 4000, STEPS = 400000 };

static unsigned char *block[BLOCKS];
static size_t live_bytes, peak_bytes;
static unsigned random_state = 1;

static unsigned next_random(void) { return (random_state = random_state * 1103515245 + 12345) >> 8; }

static size_t mixed_bytes(void)
{
    unsigned kind = next_random() % 100;
    return kind < 80 ? next_random() % 512 + 1 : kind < 97 ? next_random() % 8192 + 1 : next_random() % 200000 + 1;
}

static void step(void)
{
    unsigned at = next_random() % BLOCKS;
    if (block[at]) live_bytes -= malloc_usable_size(block[at]);
    free(block[at]);
    block[at] = NULL;
    if (next_random() % 4 == 0) return;
    size_t bytes = mixed_bytes();
    block[at] = malloc(bytes);
    EXPECT(block[at] != NULL);
    memset(block[at], 1, bytes);
    live_bytes += malloc_usable_size(block[at]);
    if (live_bytes > peak_bytes) peak_bytes = live_bytes;
}

int main(void)
{
    require_tinyalloc();
    struct ta_stats begin = stats();
    for (int i = 0; i < STEPS / 4; i++) step();
    struct ta_stats warm = stats();
    for (int i = 0; i < STEPS; i++) step();
    struct ta_stats end = stats();
    EXPECT(end.allocated >= live_bytes);
    EXPECT(end.allocated <= begin.allocated + live_bytes + 64 * KIB);
    // The blocks alone need peak_bytes: half as much again is what spans of every class may cost.
    EXPECT(end.committed <= begin.committed + peak_bytes + peak_bytes / 2 + 4 * MIB);
    // Address space is taken as memory is needed, in steps of at most four mebibytes.
    EXPECT(end.reserved <= warm.reserved + 8 * MIB);
    EXPECT(end.reserved <= begin.reserved + peak_bytes + peak_bytes / 2 + 8 * MIB);
    EXPECT(resident_bytes() <= peak_bytes + peak_bytes / 2 + 8 * MIB);
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    malloc_trim(0);
    EXPECT(stats().committed <= begin.committed + 2 * MIB);
    EXPECT(stats().allocated <= begin.allocated + 64 * KIB);
}
