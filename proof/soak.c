/* A process that lives long, like a server: sizes shift, threads come and go, blocks are freed by
 * the thread that finds them.
 *
 *     soak SECONDS
 *
 * It runs equal phases, each a round of every mix of sizes many times over. Every block is filled,
 * and compared before it is resized or freed. After each round, when all threads wait, the heap's
 * statistics are held against the blocks themselves and against smaps_rollup. After each phase free
 * memory is returned, and what is resident then for every byte that lives is noted: how much free
 * memory waits at any one moment depends on the clock and on who else runs. At the end the last
 * phases are compared with the first ones after the warm-up: they may exceed them by 2 %. */
#include "expect.h"
#include <time.h>

enum {
    SHORT_THREADS = 6,
    LONG_THREADS = 2,
    TABLE_SLOTS = 1 << 14,
    STEPS = 20000,
    ROUNDS_PER_MIX = 6,
    WARM_UP_PHASES = 3,
    PHASES_MAX = 1 << 16,
    /* One phase differs from the next by a percent or two: it takes many to tell. */
    PHASES_JUDGED_MIN = 24,
    DRIFT_PER_MILLE_MAX = 20,
};

/* Threads' stacks, the program and its libraries. */
static const size_t OTHER_BYTES_MAX = 8 * MIB;
static const size_t LIVE_BYTES_MAX = 96 * MIB;

struct mix {
    const char *name;
    unsigned char doublings_min, doublings_max;
};

static const struct mix MIXES[] = {{"small", 3, 9}, {"middling", 8, 13}, {"large", 12, 18}, {"everything", 3, 21}};

struct held {
    int locked;
    unsigned seed;
    unsigned char *block;
    size_t bytes;
};

static struct held table[TABLE_SLOTS];
static const struct mix *mix;
static size_t live_bytes;
static unsigned long steps, refusals;
static bool over;
static pthread_barrier_t round_begins, round_ends;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static size_t below(uint64_t *random, size_t bound)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return (size_t)(*random >> 11) % bound;
}

static void check(const struct held *held)
{
    if (is_filled(held->block, held->bytes, held->seed)) return;
    say("the content of a block of %zu bytes at %p changed\n", held->bytes, (void *)held->block);
    _exit(1);
}

static void hold(struct held *held, void *block, size_t bytes, unsigned seed)
{
    held->block = block;
    held->bytes = block ? bytes : 0;
    held->seed = seed;
    if (block) fill(block, bytes, seed);
    __atomic_fetch_add(&live_bytes, held->bytes, __ATOMIC_RELAXED);
}

static void drop(struct held *held)
{
    if (held->block) check(held);
    __atomic_fetch_sub(&live_bytes, held->bytes, __ATOMIC_RELAXED);
    free(held->block);
    held->block = NULL;
    held->bytes = 0;
}

static void resize(struct held *held, size_t bytes)
{
    check(held);
    unsigned char *block = realloc(held->block, bytes);
    if (!block) {
        __atomic_fetch_add(&refusals, 1, __ATOMIC_RELAXED);
        return;
    }
    size_t kept = held->bytes < bytes ? held->bytes : bytes;
    EXPECT(is_filled(block, kept, held->seed));
    __atomic_fetch_sub(&live_bytes, held->bytes, __ATOMIC_RELAXED);
    hold(held, block, bytes, held->seed);
}

static void renew(struct held *held, uint64_t *random, size_t bytes)
{
    drop(held);
    if (__atomic_load_n(&live_bytes, __ATOMIC_RELAXED) > LIVE_BYTES_MAX) return;
    size_t kind = below(random, 10);
    void *block = kind == 0 ? calloc(1, bytes) : kind == 1 ? memalign((size_t)16 << below(random, 8), bytes) : malloc(bytes);
    if (!block) __atomic_fetch_add(&refusals, 1, __ATOMIC_RELAXED);
    if (block && kind == 0) EXPECT(is_zero(block, bytes));
    hold(held, block, bytes, (unsigned)*random);
}

static void work(uint64_t *random)
{
    for (unsigned i = 0; i < STEPS; i++) {
        struct held *held = &table[below(random, TABLE_SLOTS)];
        size_t low = (size_t)1 << (mix->doublings_min + below(random, (size_t)(mix->doublings_max - mix->doublings_min + 1)));
        size_t bytes = low + below(random, low);
        if (__atomic_exchange_n(&held->locked, 1, __ATOMIC_ACQUIRE)) continue;
        if (held->block && below(random, 8) == 0 && live_bytes < LIVE_BYTES_MAX)
            resize(held, bytes);
        else
            renew(held, random, bytes);
        __atomic_store_n(&held->locked, 0, __ATOMIC_RELEASE);
    }
    __atomic_fetch_add(&steps, STEPS, __ATOMIC_RELAXED);
}

static void *live_short(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument;
    work(&random);
    return NULL;
}

static void *live_long(void *argument)
{
    uint64_t random = (uint64_t)(uintptr_t)argument;
    for (;;) {
        pthread_barrier_wait(&round_begins);
        if (over) return NULL;
        work(&random);
        pthread_barrier_wait(&round_ends);
    }
}

/* What the heap says of itself, against what lives and what is resident. */
static void check_statistics(size_t resident)
{
    size_t usable = 0;
    struct ta_stats now = stats();
    for (size_t i = 0; i < TABLE_SLOTS; i++) usable += table[i].block ? malloc_usable_size(table[i].block) : 0;
    bool adds_up = now.allocated >= usable && now.committed >= now.allocated && now.reserved >= now.committed &&
                   resident <= now.committed + OTHER_BYTES_MAX && resident >= live_bytes - live_bytes / 4;
    if (adds_up) return;
    say("allocated %zu (of them here %zu), committed %zu, reserved %zu, resident %zu, live %zu\n", now.allocated, usable, now.committed,
        now.reserved, resident, live_bytes);
    _exit(1);
}

static size_t run_round(uint64_t *seed)
{
    pthread_t thread[SHORT_THREADS];
    pthread_barrier_wait(&round_begins);
    for (int i = 0; i < SHORT_THREADS; i++) thread[i] = start(live_short, (void *)(uintptr_t)(*seed += 2));
    for (int i = 0; i < SHORT_THREADS; i++) join(thread[i]);
    pthread_barrier_wait(&round_ends);
    size_t resident = resident_bytes();
    check_statistics(resident);
    return resident;
}

/* Returns the mean of the resident set. */
static size_t run_phase(uint64_t *seed, size_t *peak)
{
    size_t sum = 0;
    *peak = 0;
    for (size_t i = 0; i < COUNT_OF(MIXES) * ROUNDS_PER_MIX; i++) {
        mix = &MIXES[i / ROUNDS_PER_MIX];
        size_t resident = run_round(seed);
        sum += resident;
        *peak = resident > *peak ? resident : *peak;
    }
    return sum / (COUNT_OF(MIXES) * ROUNDS_PER_MIX);
}

/* In thousandths of what lives. */
static size_t settled_per_mille(void)
{
    malloc_trim(0);
    return resident_bytes() * 1000 / live_bytes;
}

static size_t mean_of(const size_t *value, size_t count)
{
    size_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += value[i];
    return sum / count;
}

/* Of the last quarter of the phases against the first. */
static long drift_per_mille(const size_t *settled, size_t phases)
{
    size_t quarter = phases / 4 ? phases / 4 : 1;
    long first = (long)mean_of(settled, quarter), last = (long)mean_of(settled + phases - quarter, quarter);
    say("resident for 1000 bytes that live: %ld at first, %ld at last\n", first, last);
    return (last - first) * 1000 / first;
}

int main(int count, char **argument)
{
    static size_t settled[PHASES_MAX];
    double begun = now(), seconds = count > 1 ? atof(argument[1]) : 60;
    pthread_t thread[LONG_THREADS];
    uint64_t seed = 1;
    size_t phases = 0, peak = 0;
    require_tinyalloc();
    EXPECT(pthread_barrier_init(&round_begins, NULL, LONG_THREADS + 1) == 0);
    EXPECT(pthread_barrier_init(&round_ends, NULL, LONG_THREADS + 1) == 0);
    for (uintptr_t i = 0; i < LONG_THREADS; i++) thread[i] = start(live_long, (void *)(0x10001 + i * 2));
    for (; phases < PHASES_MAX && (now() - begun < seconds || phases < WARM_UP_PHASES + 2); phases++) {
        size_t mean = run_phase(&seed, &peak);
        settled[phases] = settled_per_mille();
        say("%6.0f s  phase %zu%s: %zu MiB resident on average, %zu MiB at most, ", now() - begun, phases,
            phases < WARM_UP_PHASES ? " (warm-up)" : "", mean / MIB, peak / MIB);
        say("%zu.%03zu per byte that lives after a trim\n", settled[phases] / 1000, settled[phases] % 1000);
    }
    over = true;
    pthread_barrier_wait(&round_begins);
    for (int i = 0; i < LONG_THREADS; i++) join(thread[i]);
    long drift = drift_per_mille(settled + WARM_UP_PHASES, phases - WARM_UP_PHASES);
    say("%lu steps in %zu phases, %lu refused, drift %ld.%ld %%\n", steps, phases, refusals, drift / 10, labs(drift) % 10);
    if (phases < PHASES_JUDGED_MIN) say("too short for a verdict on the drift\n");
    return refusals || (phases >= PHASES_JUDGED_MIN && drift > DRIFT_PER_MILLE_MAX) ? 1 : 0;
}
