/* The long test: threads that come and go, sizes from 1 byte to 64 MiB, blocks freed by the thread
 * that finds them.
 *
 * Every block is filled with a pattern that follows from its number and size, and compared before
 * it is freed or resized. A round is: start a generation of threads, let them trade blocks through
 * one table, join them. At the end everything is freed, malloc_trim(0) is called, and the resident
 * set must be back within 10 % of its start (or within 1 MiB, whichever is more). The start is
 * measured after a warm-up that does the same as the test, the freeing and the trimming included:
 * what remains then is the program, its table, glibc's cached thread stacks and what the allocator
 * keeps for good.
 *
 *     stress [seconds] [threads]
 */
#include "expect.h"
#include <time.h>

enum {
    SECONDS_DEFAULT = 600,
    WARM_UP_SECONDS = 2,
    THREADS_DEFAULT = 8,
    THREADS_MAX = 256,
    TABLE_SLOTS = 4096,
    THREAD_STEPS_MAX = 4000,
    CHECK_MESSAGES_MAX = 20,
    QUIET_SECONDS = 10,
};

/* Keeps the test far from the machine's own limit: beyond it a thread frees before it allocates. */
static const size_t LIVE_BYTES_MAX = 256 * MIB;
static const size_t RETURN_FLOOR_BYTES = MIB;

struct held {
    int locked;
    uint32_t number;
    unsigned char *block;
    size_t bytes;
};

static struct held table[TABLE_SLOTS];
static size_t live_bytes;
static unsigned long steps, errors, threads_run, refusals;
static volatile bool stop;
static double begun, deadline;
static uint32_t next_number;

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Log-uniform from 1 byte to 1 MiB; one in 4,000 up to 64 MiB. */
static size_t random_bytes(uint64_t *state)
{
    unsigned doublings = next_random(state) % 4000 == 0 ? 20 + next_random(state) % 6 : next_random(state) % 20;
    size_t low = (size_t)1 << doublings;
    return low + next_random(state) % low;
}

static unsigned seed_of(const struct held *held) { return held->number * 2654435761u ^ (unsigned)held->bytes; }

static void report(const char *what, const struct held *held)
{
    if (__atomic_add_fetch(&errors, 1, __ATOMIC_RELAXED) <= CHECK_MESSAGES_MAX)
        say("error: %s: block %u at %p of %zu bytes\n", what, held->number, (void *)held->block, held->bytes);
}

static void check(const struct held *held, size_t bytes)
{
    if (!is_filled(held->block, bytes, seed_of(held))) report("the content changed", held);
    if (malloc_usable_size(held->block) < bytes) report("the usable size is too small", held);
}

static void adopt(struct held *held, void *block, size_t bytes)
{
    held->block = block;
    held->bytes = bytes;
    held->number = __atomic_add_fetch(&next_number, 1, __ATOMIC_RELAXED);
    fill(block, bytes, seed_of(held));
    __atomic_add_fetch(&live_bytes, bytes, __ATOMIC_RELAXED);
}

static void release(struct held *held)
{
    if (!held->block) return;
    check(held, held->bytes);
    __atomic_sub_fetch(&live_bytes, held->bytes, __ATOMIC_RELAXED);
    free(held->block);
    held->block = NULL;
}

static void *request(uint64_t *state, size_t bytes, size_t *alignment)
{
    unsigned kind = next_random(state) % 16;
    *alignment = 16;
    if (kind == 0) {
        unsigned char *block = calloc(1, bytes);
        size_t at = 0;
        while (block && at < bytes && block[at] == 0) at = next_sample(at, bytes);
        if (block && at < bytes) report("calloc is not zero", &(struct held){0, 0, block, bytes});
        return block;
    }
    if (kind > 1) return malloc(bytes);
    *alignment = (size_t)16 << next_random(state) % (bytes > 65536 ? 17 : 9);
    return memalign(*alignment, bytes);
}

static void allocate(struct held *held, uint64_t *state)
{
    size_t bytes = random_bytes(state), alignment;
    if (__atomic_load_n(&live_bytes, __ATOMIC_RELAXED) + bytes > LIVE_BYTES_MAX) return;
    void *block = request(state, bytes, &alignment);
    if (!block) {
        __atomic_add_fetch(&refusals, 1, __ATOMIC_RELAXED);
        return;
    }
    adopt(held, block, bytes);
    if (!is_aligned(block, alignment)) report("wrongly aligned", held);
}

static void resize(struct held *held, uint64_t *state)
{
    size_t bytes = random_bytes(state), kept = bytes < held->bytes ? bytes : held->bytes;
    if (__atomic_load_n(&live_bytes, __ATOMIC_RELAXED) + bytes > LIVE_BYTES_MAX) return;
    check(held, held->bytes);
    void *block = realloc(held->block, bytes);
    if (!block) {
        __atomic_add_fetch(&refusals, 1, __ATOMIC_RELAXED);
        return;
    }
    held->block = block;
    if (!is_filled(block, kept, seed_of(held))) report("realloc lost content", held);
    __atomic_sub_fetch(&live_bytes, held->bytes, __ATOMIC_RELAXED);
    adopt(held, block, bytes);
}

static void step(uint64_t *state)
{
    struct held *held = &table[next_random(state) % TABLE_SLOTS];
    if (__atomic_exchange_n(&held->locked, 1, __ATOMIC_ACQUIRE)) return;
    if (held->block && next_random(state) % 8 == 0)
        resize(held, state);
    else {
        release(held);
        if (next_random(state) % 8) allocate(held, state);
    }
    __atomic_store_n(&held->locked, 0, __ATOMIC_RELEASE);
}

static void *trade(void *seed)
{
    uint64_t state = (uint64_t)(uintptr_t)seed * 0x9E3779B97F4A7C15u + 1;
    unsigned long limit = next_random(&state) % THREAD_STEPS_MAX, done = 0;
    // Some threads come for one block only.
    if (next_random(&state) % 4 == 0) limit %= 8;
    while (done <= limit && !stop) {
        step(&state);
        done++;
    }
    __atomic_add_fetch(&steps, done, __ATOMIC_RELAXED);
    __atomic_add_fetch(&threads_run, 1, __ATOMIC_RELAXED);
    return NULL;
}

static size_t peak_resident(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * KIB;
}

static void progress(bool last)
{
    static double shown;
    double at = now();
    if (!last && at - shown < (isatty(STDERR_FILENO) ? 1 : QUIET_SECONDS)) return;
    shown = at;
    say("%5.0f s  %lu steps  %lu threads  live %zu MiB  resident %zu MiB  %lu errors\n", at - begun, steps, threads_run,
        live_bytes / MIB, resident_bytes() / MIB, errors);
}

static void run_until(double end, int threads)
{
    static uintptr_t generation;
    pthread_t thread[THREADS_MAX];
    deadline = end;
    while (now() < deadline) {
        for (int i = 0; i < threads; i++) thread[i] = start(trade, (void *)++generation);
        for (int i = 0; i < threads; i++) join(thread[i]);
        progress(false);
    }
}

/* Where memory went that did not come back, if the allocator can tell. */
static void tell_heap(void)
{
    if (!on_tinyalloc()) return;
    struct ta_stats heap = stats();
    say("heap: allocated %zu, committed %zu, metadata %zu, reserved %zu; %zu live and %zu free slots, %zu spans, %zu large, %zu huge, %zu heaps\n",
        heap.allocated, heap.committed, heap.metadata, heap.reserved, heap.live_slots, heap.free_slots, heap.spans, heap.large_blocks,
        heap.huge_blocks, heap.heaps);
}

static void free_everything(void)
{
    for (int i = 0; i < TABLE_SLOTS; i++) release(&table[i]);
    malloc_trim(0);
}

static int positive(const char *text, int most)
{
    int value = atoi(text);
    if (value > 0 && value <= most) return value;
    say("usage: stress [seconds] [threads, at most %d]\n", THREADS_MAX);
    exit(2);
}

int main(int count, char **argument)
{
    int seconds = count > 1 ? positive(argument[1], INT_MAX) : SECONDS_DEFAULT;
    int threads = count > 2 ? positive(argument[2], THREADS_MAX) : THREADS_DEFAULT;
    begun = now();
    run_until(begun + WARM_UP_SECONDS, threads);
    free_everything();
    tell_heap();
    size_t first = resident_bytes();
    run_until(now() + seconds, threads);
    progress(true);
    free_everything();
    size_t last = resident_bytes(), allowed = first / 10 > RETURN_FLOOR_BYTES ? first / 10 : RETURN_FLOOR_BYTES;
    tell_heap();
    bool returned = last <= first + allowed;
    printf("%lu errors, %lu refused requests, %lu steps, %lu threads; resident %zu KiB at the start, %zu KiB at the peak, %zu KiB at the end%s\n",
           errors, refusals, steps, threads_run, first / KIB, peak_resident() / KIB, last / KIB,
           returned ? "" : ": it did not come back");
    return errors != 0 || !returned;
}
