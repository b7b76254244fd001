/* One thread allocates batches, the other frees them; then each thread does both, for the other
 * one. Stresses: remote frees, every block freed by a thread that did not allocate it, and their
 * way back. Pattern: xmalloc-test (Lever & Boreham 2000), here with bounded rings so that the live
 * set is bounded. */
#include "workload.h"
#include <semaphore.h>

enum { RING_BATCHES = 16, BATCH_BLOCKS = 256, BATCHES = 20000, SPINS_MAX = 200, LEAST = 16, MOST = 256 };

struct ring {
    sem_t filled, vacant;
    _Alignas(CACHE_LINE_BYTES) unsigned fill_at;
    _Alignas(CACHE_LINE_BYTES) unsigned drain_at;
    void *batch[RING_BATCHES][BATCH_BLOCKS];
};

static struct ring rings[THREADS_MAX];
static struct worker workers[THREADS_MAX];
static uint64_t batches_per_ring;

/* A short spin first: a sleep per batch would measure the scheduler. */
static void semaphore_take(sem_t *semaphore)
{
    for (unsigned spin = 0; spin < SPINS_MAX; spin++) {
        if (sem_trywait(semaphore) == 0) return;
        atomic_signal_fence(memory_order_seq_cst);
    }
    while (sem_wait(semaphore) != 0) CHECK(errno == EINTR);
}

static void produce(struct ring *ring, struct worker *worker)
{
    semaphore_take(&ring->vacant);
    void **batch = ring->batch[ring->fill_at++ % RING_BATCHES];
    for (unsigned at = 0; at < BATCH_BLOCKS; at++)
        batch[at] = block_new(random_falloff(&worker->random, LEAST, MOST), worker->serial++);
    sem_post(&ring->filled);
}

static uint64_t consume(struct ring *ring)
{
    uint64_t sum = 0;
    semaphore_take(&ring->filled);
    void **batch = ring->batch[ring->drain_at++ % RING_BATCHES];
    for (unsigned at = 0; at < BATCH_BLOCKS; at++) sum += block_free(batch[at]);
    sem_post(&ring->vacant);
    return sum;
}

static void one_way(struct worker *worker)
{
    struct ring *ring = &rings[worker->index / 2];
    uint64_t sum = 0;
    for (uint64_t left = batches_per_ring; left > 0; left--)
        if (worker->index % 2 == 0)
            produce(ring, worker);
        else
            sum += consume(ring);
    worker->checksum = sum;
}

static void round_robin(struct worker *worker)
{
    struct ring *own = &rings[worker->index], *next = &rings[(worker->index + 1) % threads];
    uint64_t sum = 0;
    for (uint64_t left = batches_per_ring; left > 0; left--) {
        produce(next, worker);
        sum += consume(own);
    }
    worker->checksum = sum;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {THREADS_SETTING, {0}};
    workload_begin(count, argument, "blocks allocated by one thread and freed by another", settings);
    threads += threads % 2;
    for (unsigned at = 0; at < threads; at++) {
        CHECK(sem_init(&rings[at].filled, 0, 0) == 0);
        CHECK(sem_init(&rings[at].vacant, 0, RING_BATCHES) == 0);
    }
    batches_per_ring = scaled(BATCHES) * 2 / threads;
    workers_prepare(workers, one_way);
    uint64_t sum = workers_run(workers);
    batches_per_ring /= 2;
    workers_prepare(workers, round_robin);
    return workload_end(sum + workers_run(workers));
}
