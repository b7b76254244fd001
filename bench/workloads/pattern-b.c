/* Pattern B: mixed sizes with intermittent frees. Commit and decommit as needed, freed slots
 * reused. Stresses: small, medium and large requests in one stream, places that stay empty for a
 * while. Pattern: the mission's rule B, as a timed loop; the promise itself is a C test. */
#include "workload.h"

enum { BLOCKS = 4000, STEPS = 15000000, SMALL_MOST = 512, MEDIUM_MOST = 8192, LARGE_MOST = 200000, EMPTY_IN = 4 };

static void *block[BLOCKS];

static size_t next_bytes(struct random *random)
{
    uint32_t kind = random_below(random, 1000);
    return random_between(random, TAG_BYTES, kind < 900 ? SMALL_MOST : kind < 995 ? MEDIUM_MOST : LARGE_MOST);
}

static uint64_t step(struct random *random, uint32_t serial)
{
    size_t at = random_below(random, BLOCKS);
    uint64_t sum = block[at] ? block_free(block[at]) : 0;
    block[at] = NULL;
    if (random_below(random, EMPTY_IN) == 0) return sum;
    size_t bytes = next_bytes(random);
    block[at] = block_new(bytes, serial);
    block_touch(block[at], bytes);
    return sum;
}

int main(int count, char **argument)
{
    struct random random = {16};
    uint64_t sum = 0;
    workload_begin(count, argument, "pattern B: mixed sizes with intermittent frees", NULL);
    for (uint64_t at = 0; at < scaled(STEPS); at++) sum += step(&random, (uint32_t)at);
    for (size_t at = 0; at < BLOCKS; at++)
        if (block[at]) sum += block_free(block[at]);
    return workload_end(sum);
}
