/* Pattern A: many small blocks in tight loops. Slots recycle, committed memory stays flat.
 * Stresses: allocation in order, freeing in order, a few hundred blocks of up to 256 bytes at a
 * time. Pattern: the mission's rule A, as a timed loop; the promise itself is a C test. */
#include "workload.h"

enum { ROUNDS = 80000, BLOCKS = 500, LEAST = 8, MOST = 256 };

static uint64_t tight_loop(uint32_t round)
{
    void *block[BLOCKS];
    uint64_t sum = 0;
    for (uint32_t at = 0; at < BLOCKS; at++)
        block[at] = block_new(LEAST + (at * 13 + round) % (MOST - LEAST + 1), round << 10 | at);
    for (uint32_t at = 0; at < BLOCKS; at++) sum += block_free(block[at]);
    return sum;
}

int main(int count, char **argument)
{
    uint64_t sum = 0;
    workload_begin(count, argument, "pattern A: many small blocks in tight loops", NULL);
    for (uint32_t round = 0; round < scaled(ROUNDS); round++) sum += tight_loop(round);
    return workload_end(sum);
}
