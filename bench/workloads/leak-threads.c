/* Threads allocate and end without freeing; the main thread frees their blocks much later.
 * Stresses: the heaps of ended threads: kept small, found again, freed into by others. Pattern:
 * mleak of mimalloc-bench, as described: threads that leave memory behind again and again. */
#include "workload.h"

enum { GENERATIONS = 7000, KEPT_GENERATIONS = 40, BLOCKS = 100 };
enum { LEAST = 8, MOST = 400, RARE_MOST = 20000, RARE_IN = 50 };

static struct worker workers[THREADS_MAX];
static void *left_behind[KEPT_GENERATIONS][THREADS_MAX][BLOCKS];
static uint64_t generation;

static void leave_behind(struct worker *self)
{
    void **block = left_behind[generation % KEPT_GENERATIONS][self->index];
    for (unsigned at = 0; at < BLOCKS; at++) {
        size_t most = random_below(&self->random, RARE_IN) == 0 ? RARE_MOST : MOST;
        block[at] = block_new(random_falloff(&self->random, LEAST, most), self->serial++);
    }
}

static uint64_t clear_away(uint64_t oldest)
{
    uint64_t sum = 0;
    for (unsigned thread = 0; thread < threads; thread++)
        for (unsigned at = 0; at < BLOCKS; at++) {
            void **block = &left_behind[oldest % KEPT_GENERATIONS][thread][at];
            if (*block) sum += block_free(*block);
            *block = NULL;
        }
    return sum;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {THREADS_SETTING, {0}};
    uint64_t sum = 0;
    workload_begin(count, argument, "blocks of ended threads freed by the main thread", settings);
    workers_prepare(workers, leave_behind);
    for (uint64_t left = scaled(GENERATIONS) * THREADS_DEFAULT / threads + 1; left > 0; left--, generation++) {
        sum += clear_away(generation);
        sum += workers_run(workers);
    }
    for (unsigned at = 0; at < KEPT_GENERATIONS; at++) sum += clear_away(at);
    return workload_end(sum);
}
