/* Each thread allocates a tiny block, writes to it many times, and frees it; the threads run side
 * by side. Stresses: whether the allocator gives parts of one cache line to different threads.
 * Pattern: cache-thrash (Berger, Hoard 2000), the probe for actively induced false sharing. */
#include "workload.h"

enum { ROUNDS = 400000, WRITES = 6000, BLOCKS_AT_ONCE = 4, SIZES = 3 };

static struct worker workers[THREADS_MAX];
static pthread_barrier_t all_are_here;
static uint64_t rounds_each;

static void write_often(void *block)
{
    volatile uint64_t *word = block;
    *word = 0;
    for (unsigned left = WRITES; left > 0; left--) *word += left;
}

static void thrash(struct worker *self)
{
    void *block[BLOCKS_AT_ONCE];
    uint64_t sum = 0;
    pthread_barrier_wait(&all_are_here);
    for (uint64_t round = 0; round < rounds_each; round++) {
        size_t bytes = (size_t)8 << round % SIZES;
        for (unsigned at = 0; at < BLOCKS_AT_ONCE; at++) block[at] = checked(malloc(bytes), bytes);
        for (unsigned at = 0; at < BLOCKS_AT_ONCE; at++) write_often(block[at]);
        for (unsigned at = 0; at < BLOCKS_AT_ONCE; at++) {
            sum += mixed(word_at(block[at], 0) + at);
            free(block[at]);
        }
    }
    self->checksum = sum;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {THREADS_SETTING, {0}};
    workload_begin(count, argument, "actively induced false sharing", settings);
    CHECK(pthread_barrier_init(&all_are_here, NULL, (unsigned)threads) == 0);
    rounds_each = scaled(ROUNDS) / BLOCKS_AT_ONCE / threads + 1;
    workers_prepare(workers, thrash);
    return workload_end(workers_run(workers));
}
