/* Power-of-two sizes up to large ones; all threads end between phases, some blocks pass from thread
 * to thread. Stresses: reuse of memory that ended threads left, large blocks among small ones,
 * remote frees. Pattern: mstress (the mimalloc stress test, Leijen), as described: a workload with
 * retained and passed objects. */
#include "workload.h"

enum { PHASES = 200, STEPS = 50000, KEPT = 2000, PLACES = 1000, SMALL_SHIFTS = 8, LARGE_SHIFTS = 18, LARGE_IN = 2000 };

static struct worker workers[THREADS_MAX];
static void *kept[THREADS_MAX][KEPT];
static exchange_place places[PLACES];
static uint32_t kept_each;
static uint64_t steps_each;

static size_t next_bytes(struct random *random)
{
    bool large = random_below(random, LARGE_IN) == 0;
    return (size_t)TAG_BYTES << random_below(random, large ? LARGE_SHIFTS : SMALL_SHIFTS);
}

static void *fresh(struct worker *self)
{
    size_t bytes = next_bytes(&self->random);
    void *block = block_new(bytes, self->serial++);
    block_touch(block, bytes);
    return block;
}

static uint64_t keep(struct worker *self, void *block)
{
    void **place = &kept[self->index][random_below(&self->random, kept_each)];
    uint64_t sum = *place ? block_free(*place) : 0;
    *place = block;
    return sum;
}

static void phase(struct worker *self)
{
    uint64_t sum = 0;
    for (uint64_t left = steps_each; left > 0; left--) {
        uint32_t fate = random_below(&self->random, 100);
        void *block = fresh(self);
        if (fate < 50)
            sum += block_free(block);
        else if (fate < 75)
            sum += keep(self, block);
        else
            sum += exchange_and_free(&places[random_below(&self->random, PLACES)], block);
    }
    for (uint32_t at = 0; at < kept_each; at++) {
        if (kept[self->index][at]) sum += block_free(kept[self->index][at]);
        kept[self->index][at] = NULL;
    }
    self->checksum = sum;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {THREADS_SETTING, {0}};
    uint64_t sum = 0;
    workload_begin(count, argument, "power-of-two sizes, threads ended between phases", settings);
    kept_each = KEPT / (uint32_t)threads;
    steps_each = 2 * STEPS / threads;
    workers_prepare(workers, phase);
    for (uint64_t left = scaled(PHASES); left > 0; left--) sum += workers_run(workers);
    for (unsigned at = 0; at < PLACES; at++) sum += exchange_and_free(&places[at], NULL);
    return workload_end(sum);
}
