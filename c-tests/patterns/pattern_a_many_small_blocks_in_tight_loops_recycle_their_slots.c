/* Pattern A of the mission: slots recycle, committed memory stays flat. */
#include "expect.h"

enum { ROUNDS = 2000, BLOCKS = 500 };

static void tight_loop(int round)
{
    void *block[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc((size_t)((i * 13 + round) % 256 + 1));
        EXPECT(block[i] != NULL);
        *(char *)block[i] = 1;
    }
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
}

int main(void)
{
    require_tinyalloc();
    for (int round = 0; round < 512; round++) tight_loop(round);
    struct ta_stats warm = stats();
    size_t resident = resident_bytes();
    for (int round = 0; round < ROUNDS; round++) tight_loop(round);
    struct ta_stats end = stats();
    EXPECT(end.committed <= warm.committed);
    EXPECT(end.reserved == warm.reserved);
    EXPECT(end.spans <= warm.spans);
    EXPECT(end.live_slots == warm.live_slots);
    EXPECT(end.allocated == warm.allocated);
    EXPECT(end.free_slots <= warm.free_slots + warm.free_slots / 4);
    EXPECT(resident_bytes() <= resident + 256 * KIB);
}
