/* turns WORKLOAD THREADS OPERATIONS [turns BASE_FILE]
 *
 * Threads that allocate, for counting what they cost each other. An operation is a malloc and the
 * free of another block. With `turns` each operation ends in sched_yield: a fair scheduler that
 * runs one thread at a time (valgrind's) then has the threads take turns after each operation, as
 * if each had a processor of its own and all were equally fast. The clock is the program's then: it
 * goes as fast as if an operation took TURN_NANOSECONDS. Before the counted part begins, the
 * program writes to BASE_FILE where the library of malloc lies, and touches `counted_begins`.
 *
 * A library that times its locks brings `tinyalloc_timed_locks` (scripts/harness/manycores). What
 * they did in the counted part is printed: a line for each, in nanoseconds. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { THREADS_MAX = 64, KEPT = 64, RING = 32, GENERATION = 64, LEFT = 16, LARGE_KEPT = 4, STACK_BYTES = 256 << 10, LINE = 64, TURN_NANOSECONDS = 1000 };

struct lane {
    _Alignas(2 * LINE) void *kept[KEPT];
    _Alignas(2 * LINE) _Atomic(void *) place[KEPT];
    _Alignas(2 * LINE) uint64_t random;
    unsigned index, put, taken;
    pthread_t thread;
};

typedef void body(struct lane *);

enum { LOCKS = 3, POWERS = 40 };

/* How many holds, and waits, took less than each power of two in ticks. */
struct timed {
    uint64_t began, takes, held_ticks, held[POWERS], waited[POWERS];
};

/* Known to the reader of the trace by their addresses: the program is not position-independent. */
volatile int counted_begins, counted_ends;
_Alignas(4096) char stacks[THREADS_MAX][STACK_BYTES];

static struct lane lanes[THREADS_MAX];
static unsigned threads;
static unsigned long operations, warm_up;
static bool takes_turns;
static body *work;
static pthread_barrier_t meeting;
static struct timed *(*timed_locks)(void);
static const char *base_file;

static void fail(const char *what) {
    perror(what);
    _exit(1);
}

static uint32_t random_below(struct lane *lane, uint32_t bound) {
    lane->random = lane->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((lane->random >> 32) * bound >> 32);
}

static void *new_block(size_t bytes) {
    char *block = malloc(bytes);
    if (!block) fail("malloc");
    block[0] = block[bytes - 1] = 1;
    return block;
}

/* Small sizes are frequent. */
static void *new_small(struct lane *lane) {
    return new_block(16 + random_below(lane, 16u << random_below(lane, 6)));
}

/* Processes start with some time on the clock. */
static _Alignas(2 * LINE) _Atomic(uint64_t) nanoseconds = 1000000000;

/* For the library: valgrind is a thousand times slower than a processor, and what an allocator does
 * once in a while it would do all the time. */
int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!takes_turns) return (int)syscall(SYS_clock_gettime, clock, time);
    uint64_t now = atomic_load_explicit(&nanoseconds, memory_order_relaxed);
    *time = (struct timespec){.tv_sec = (time_t)(now / 1000000000), .tv_nsec = (long)(now % 1000000000)};
    return 0;
}

static void turn_ends(const struct lane *lane) {
    if (!takes_turns) return;
    if (lane->index == 0) atomic_fetch_add_explicit(&nanoseconds, TURN_NANOSECONDS, memory_order_relaxed);
    sched_yield();
}

/* Each thread by itself. */
static void independent(struct lane *lane) {
    void **kept = &lane->kept[random_below(lane, KEPT)];
    free(*kept);
    *kept = new_small(lane);
}

/* Each thread by itself: 64 KiB to 4 MiB, the small ones are frequent. */
static void large(struct lane *lane) {
    void **kept = &lane->kept[random_below(lane, LARGE_KEPT)];
    free(*kept);
    size_t most = (size_t)128 << (10 + random_below(lane, 6));
    *kept = new_block(most / 2 + random_below(lane, (uint32_t)(most / 2)));
}

/* Each thread by itself: buffers of one size, as for messages or images. */
static void buffers(struct lane *lane) {
    void **kept = &lane->kept[random_below(lane, 2)];
    free(*kept);
    *kept = new_block((size_t)64 << (10 + lane->index % 3));
}

/* What a thread allocates the next one frees. */
static void passed_on(struct lane *lane) {
    struct lane *next = &lanes[(lane->index + 1) % threads];
    free(atomic_exchange(&next->place[lane->put++ % RING], new_small(lane)));
    free(atomic_exchange(&lane->place[lane->taken++ % RING], NULL));
}

/* Larson and Krishnan's server: any thread frees what any thread allocated. */
static void exchanged(struct lane *lane) {
    struct lane *other = &lanes[random_below(lane, threads)];
    free(atomic_exchange(&other->place[random_below(lane, KEPT)], new_small(lane)));
}

/* As `independent`, by threads that end, and leave blocks to the next one: a lane's run is a
 * generation. */
static void churn(struct lane *lane) {
    independent(lane);
}

static const struct {
    const char *name;
    body *work;
} workloads[] = {{"independent", independent}, {"passed-on", passed_on}, {"exchanged", exchanged}, {"churn", churn}, {"buffers", buffers}, {"large", large}};

static void run(struct lane *lane, unsigned long turns) {
    for (; turns > 0; turns--) {
        work(lane);
        turn_ends(lane);
    }
}

static void write_base(void) {
    Dl_info library;
    if (!base_file || !dladdr((void *)(uintptr_t)malloc, &library)) return;
    int file = open(base_file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
    if (file < 0 || dprintf(file, "%p %s\n", library.dli_fbase, library.dli_fname) < 0 || close(file)) fail(base_file);
}

static double seconds_now(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The least power of two of nanoseconds that so much of all lies below. */
static double below(const uint64_t *powers, double part, uint64_t all, double nanoseconds_per_tick) {
    uint64_t sum = 0;
    for (unsigned power = 0; power < POWERS; power++)
        if ((double)(sum += powers[power]) >= part * (double)all) return (double)(1ull << power) * nanoseconds_per_tick;
    return 0;
}

static void print_locks(const struct timed *locks, double nanoseconds_per_tick) {
    for (unsigned at = 0; at < LOCKS; at++) {
        const struct timed *lock = &locks[at];
        if (lock->takes == 0) continue;
        printf("%u %lu %.0f %.0f %.0f %.0f\n", at, lock->takes, (double)lock->held_ticks / (double)lock->takes * nanoseconds_per_tick,
               below(lock->held, 0.5, lock->takes, nanoseconds_per_tick), below(lock->held, 0.99, lock->takes, nanoseconds_per_tick),
               below(lock->waited, 0.99, lock->takes, nanoseconds_per_tick));
    }
}

static void time_locks(bool begins) {
    static double seconds;
    static uint64_t ticks;
    struct timed *locks = timed_locks();
    if (begins) {
        memset(locks, 0, LOCKS * sizeof *locks);
        seconds = seconds_now();
        ticks = __builtin_ia32_rdtsc();
        return;
    }
    double passed = (seconds_now() - seconds) * 1e9;
    printf("operations %.0f\n", passed / (double)operations);
    print_locks(locks, passed / (double)(__builtin_ia32_rdtsc() - ticks));
}

static void count(bool begins) {
    if (begins) write_base();
    if (timed_locks) time_locks(begins);
    *(begins ? &counted_begins : &counted_ends) = 1;
}

/* The first thread begins and ends what is counted, while the others wait. */
static void meet(struct lane *lane, bool begins) {
    pthread_barrier_wait(&meeting);
    if (lane->index == 0) count(begins);
    pthread_barrier_wait(&meeting);
}

static void *lasting(void *argument) {
    struct lane *lane = argument;
    run(lane, warm_up);
    meet(lane, true);
    run(lane, operations);
    meet(lane, false);
    return NULL;
}

static void *generation(void *argument) {
    struct lane *lane = argument;
    for (unsigned at = LEFT; at < KEPT; at++) lane->kept[at] = new_small(lane);
    run(lane, GENERATION);
    for (unsigned at = LEFT; at < KEPT; at++) free(lane->kept[at]);
    return NULL;
}

static void start(struct lane *lane, void *(*main)(void *)) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, stacks[lane->index], STACK_BYTES)) fail("pthread_attr_setstack");
    if (pthread_create(&lane->thread, &attributes, main, lane)) fail("pthread_create");
    pthread_attr_destroy(&attributes);
}

static void start_all(void *(*main)(void *)) {
    for (unsigned at = 0; at < threads; at++) start(&lanes[at], main);
    for (unsigned at = 0; at < threads; at++) pthread_join(lanes[at].thread, NULL);
}

static void generations(unsigned long number) {
    for (; number > 0; number--) start_all(generation);
}

int main(int count_of_words, char **words) {
    if (count_of_words < 4) return 2;
    for (unsigned at = 0; at < sizeof workloads / sizeof *workloads; at++)
        if (strcmp(words[1], workloads[at].name) == 0) work = workloads[at].work;
    threads = (unsigned)atoi(words[2]);
    operations = strtoul(words[3], NULL, 10);
    if (!work || threads < 1 || threads > THREADS_MAX) return 2;
    takes_turns = count_of_words > 4;
    base_file = count_of_words > 5 ? words[5] : NULL;
    warm_up = operations / 2 + 2 * KEPT;
    timed_locks = (struct timed *(*)(void))(uintptr_t)dlsym(RTLD_DEFAULT, "tinyalloc_timed_locks");
    for (unsigned at = 0; at < threads; at++) lanes[at] = (struct lane){.random = at * 7919 + 1, .index = at};
    if (work == churn) {
        generations(2);
        count(true);
        generations(operations / GENERATION);
        count(false);
        return 0;
    }
    pthread_barrier_init(&meeting, NULL, threads);
    start_all(lasting);
    return 0;
}
