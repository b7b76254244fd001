/* Pattern C: a burst, everything freed, a burst again. Reserved once, decommitted, committed again,
 * nothing leaks. Stresses: repeated peaks without idleness, where returning memory too early costs
 * page faults. Pattern: the mission's rule C, as a timed loop; the promise itself is a C test. */
#include "workload.h"

enum { BURSTS = 90, BLOCKS = 100000, LEAST = 16, SMALL_MOST = 512, MEDIUM_MOST = 20000, MEDIUM_IN = 100 };

static void *block[BLOCKS];

static size_t next_bytes(struct random *random)
{
    return random_falloff(random, LEAST, random_below(random, MEDIUM_IN) == 0 ? MEDIUM_MOST : SMALL_MOST);
}

static uint64_t burst(struct random *random, uint32_t number)
{
    uint64_t sum = 0;
    for (uint32_t at = 0; at < BLOCKS; at++) {
        size_t bytes = next_bytes(random);
        block[at] = block_new(bytes, number * BLOCKS + at);
        block_touch(block[at], bytes);
    }
    for (uint32_t at = 0; at < BLOCKS; at++) sum += block_free(block[at]);
    return sum;
}

int main(int count, char **argument)
{
    struct random random = {17};
    uint64_t sum = 0;
    workload_begin(count, argument, "pattern C: burst, free all, burst again", NULL);
    for (uint32_t number = 0; number < scaled(BURSTS); number++) sum += burst(&random, number);
    return workload_end(sum);
}
