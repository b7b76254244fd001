/* Threads created and ended by the thousand, each allocating a little. Stresses: what a thread
 * costs the allocator: first allocation, exit, reuse of what it left. Pattern: thread-per-request
 * servers; the thread test of the Hoard paper (Berger 2000) with very short threads. */
#include "workload.h"

enum { BODIES = 24000, BLOCKS = 40, LEAST = 16, MOST = 512, LEFT_BEHIND = 2 };

static struct worker workers[THREADS_MAX];
static void *left_behind[THREADS_MAX][LEFT_BEHIND];

static void live_shortly(struct worker *self)
{
    void *block[BLOCKS];
    uint64_t sum = 0;
    for (unsigned at = 0; at < BLOCKS; at++)
        block[at] = block_new(random_falloff(&self->random, LEAST, MOST), self->serial++);
    for (unsigned at = LEFT_BEHIND; at < BLOCKS; at++) sum += block_free(block[at]);
    memcpy(left_behind[self->index], block, sizeof left_behind[0]);
    self->checksum = sum;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {THREADS_SETTING, {0}};
    uint64_t sum = 0;
    workload_begin(count, argument, "threads by the thousand, each allocating a little", settings);
    workers_prepare(workers, live_shortly);
    for (uint64_t left = scaled(BODIES) / threads + 1; left > 0; left--) {
        sum += workers_run(workers);
        for (unsigned at = 0; at < threads * LEFT_BEHIND; at++)
            sum += block_free(left_behind[at / LEFT_BEHIND][at % LEFT_BEHIND]);
    }
    return workload_end(sum);
}
