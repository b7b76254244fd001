/* Random replacement of mixed small sizes over a working set of 100,000 blocks. Stresses: size
 * classes side by side, frees far from the last allocation, cache and TLB misses on metadata.
 * Pattern: the working-set loop of alloc-test (Ganelin) and of Larson & Krishnan 1998, on one
 * thread. */
#include "workload.h"

enum { BLOCKS = 100000, REPLACEMENTS = 8000000, LEAST = 16, USUAL_MOST = 1000, RARE_MOST = 4000, RARE_IN = 64 };

static void *block[BLOCKS];

static size_t next_bytes(struct random *random)
{
    if (random_below(random, RARE_IN) == 0) return random_between(random, USUAL_MOST, RARE_MOST);
    return random_falloff(random, LEAST, USUAL_MOST);
}

int main(int count, char **argument)
{
    struct random random = {2};
    uint32_t serial = 0;
    uint64_t sum = 0;
    workload_begin(count, argument, "random replacement over 100,000 blocks of mixed sizes", NULL);
    for (size_t at = 0; at < BLOCKS; at++) block[at] = block_new(next_bytes(&random), serial++);
    for (uint64_t left = scaled(REPLACEMENTS); left > 0; left--) {
        size_t at = random_below(&random, BLOCKS);
        sum += block_free(block[at]);
        block[at] = block_new(next_bytes(&random), serial++);
    }
    for (size_t at = 0; at < BLOCKS; at++) sum += block_free(block[at]);
    return workload_end(sum);
}
