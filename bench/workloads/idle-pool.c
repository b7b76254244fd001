/* A pool of threads works, frees everything and waits: what sleeping threads keep. Stresses: spare
 * memory in heaps whose threads do nothing, and a trim by a thread that owns none of it. Pattern:
 * servers that stay large after a heavy pass; mimalloc#333, glibc's arenas. */
#include "workload.h"

enum { POOL = 16, ROUNDS = 20, BLOCKS = 6000, LEAST = 16, MOST = 600, MEDIUM_IN = 16, MEDIUM_MOST = 8192, RARE_IN = 400 };

static const size_t rare_bytes = 64 * KIB;
static struct worker workers[POOL];
static void *block[POOL][BLOCKS];
static pthread_barrier_t all_idle;

static size_t next_bytes(struct random *random)
{
    if (random_below(random, RARE_IN) == 0) return rare_bytes;
    return random_below(random, MEDIUM_IN) == 0 ? random_between(random, MOST, MEDIUM_MOST)
                                                : random_between(random, LEAST, MOST);
}

static void pass(struct worker *self, void **mine)
{
    for (unsigned at = 0; at < BLOCKS; at++) {
        size_t bytes = next_bytes(&self->random);
        mine[at] = block_new(bytes, self->serial++);
        block_touch(mine[at], bytes);
    }
    for (unsigned at = 0; at < BLOCKS; at++) self->checksum += block_free(mine[at]);
}

static void work_and_wait(struct worker *self)
{
    for (uint64_t left = scaled(ROUNDS); left > 0; left--) pass(self, block[self->index]);
    pthread_barrier_wait(&all_idle);
    for (;;) pause();
}

int main(int count, char **argument)
{
    uint64_t sum = 0;
    workload_begin(count, argument, "a pool of threads that have freed all and wait", NULL);
    CHECK(pthread_barrier_init(&all_idle, NULL, POOL + 1) == 0);
    for (unsigned at = 0; at < POOL; at++) {
        workers[at] = worker_of(at, work_and_wait);
        thread_start(&workers[at].thread, worker_main, &workers[at]);
    }
    pthread_barrier_wait(&all_idle);
    for (unsigned at = 0; at < POOL; at++) sum += workers[at].checksum;
    return workload_end(sum);
}
