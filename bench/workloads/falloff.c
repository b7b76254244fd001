/* Sizes from 8 to 16,000 bytes, small ones likelier by a linear falloff, some blocks freed by
 * another thread. Stresses: the medium size classes, the span sizes behind them, remote frees among
 * local ones. Pattern: rptest (the benchmark of rpmalloc, Jansson) with linear size distribution
 * and cross-thread frees. */
#include "workload.h"

enum { BLOCKS = 3000, PLACES = 256, ROUNDS = 2000000, LEAST = 8, MOST = 16000, RUN_MOST = 4, CROSS_IN = 6 };

static struct worker workers[THREADS_MAX];
static void *block[THREADS_MAX][BLOCKS];
static exchange_place places[PLACES];
static uint32_t blocks_each;
static uint64_t rounds_each;

static uint64_t give_up(struct worker *self, void *old)
{
    if (!old) return 0;
    if (random_below(&self->random, CROSS_IN) != 0) return block_free(old);
    return exchange_and_free(&places[random_below(&self->random, PLACES)], old);
}

static void churn(struct worker *self)
{
    void **own = block[self->index];
    uint64_t sum = 0;
    for (uint64_t round = rounds_each; round > 0; round--) {
        uint32_t first = random_below(&self->random, blocks_each - RUN_MOST);
        uint32_t end = first + 1 + random_below(&self->random, RUN_MOST);
        for (uint32_t at = first; at < end; at++) sum += give_up(self, own[at]);
        for (uint32_t at = first; at < end; at++)
            own[at] = block_new(random_falloff(&self->random, LEAST, MOST), self->serial++);
    }
    for (uint32_t at = 0; at < blocks_each; at++) sum += give_up(self, own[at]);
    self->checksum = sum;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {THREADS_SETTING, {0}};
    workload_begin(count, argument, "sizes 8 to 16,000 with linear falloff and cross-thread frees", settings);
    blocks_each = BLOCKS / (uint32_t)threads;
    rounds_each = scaled(ROUNDS) / threads;
    workers_prepare(workers, churn);
    uint64_t sum = workers_run(workers);
    for (unsigned at = 0; at < PLACES; at++) sum += exchange_and_free(&places[at], NULL);
    return workload_end(sum);
}
