/* What every workload shares: settings, random numbers, blocks that prove their contents, threads.
 * A workload prints `checksum HEX`, made of what it read back from its blocks, and nothing else.
 * Nothing here calls malloc or stdio: the resident set is the allocator's and the workload's
 * own. */
#ifndef WORKLOAD_H
#define WORKLOAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
    THREADS_DEFAULT = 2,
    THREADS_MAX = 64,
    SCALE_MAX = 100000,
    CACHE_LINE_BYTES = 64,
    PAGE_BYTES = 4096,
    TAG_BYTES = 8,
};

/* A flag has no maximum. */
struct setting {
    const char *name;
    uint64_t *value;
    uint64_t max;
    const char *meaning;
};

static uint64_t scale_percent = 100;
static uint64_t idle_milliseconds;
static uint64_t threads = THREADS_DEFAULT;

#define THREADS_SETTING {"--threads", &threads, THREADS_MAX, "threads; work and live set are split among them"}

static inline void say(int file, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void say(int file, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (bytes > (int)sizeof text - 1) bytes = (int)sizeof text - 1;
    if (write(file, text, (size_t)bytes) != bytes) _exit(1);
}

#define DIE(...) (say(STDERR_FILENO, "%s: ", program_invocation_short_name), say(STDERR_FILENO, __VA_ARGS__), _exit(1))

#define CHECK(condition) ((condition) ? (void)0 : DIE("%s:%d: expected %s\n", __FILE__, __LINE__, #condition))

static const struct setting common_settings[] = {
    {"--scale", &scale_percent, SCALE_MAX, "amount of work in percent"},
    {"--idle-milliseconds", &idle_milliseconds, 1000 * 1000, "sleep after the work, then print the resident set, before and after a trim"},
    {0},
};

static inline const struct setting *setting_find(const struct setting *settings, const char *name)
{
    for (; settings && settings->name; settings++)
        if (strcmp(settings->name, name) == 0) return settings;
    return NULL;
}

static inline void settings_explain(const struct setting *settings)
{
    for (; settings && settings->name; settings++)
        say(STDOUT_FILENO, "  %s%s  %s\n", settings->name, settings->max ? " N" : "", settings->meaning);
}

static inline uint64_t setting_value(const struct setting *setting, const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (!end || *end || errno || value > setting->max)
        DIE("%s wants a number of at most %llu\n", setting->name, (unsigned long long)setting->max);
    return value;
}

static inline void workload_begin(int count, char **argument, const char *summary, const struct setting *own)
{
    for (int at = 1; at < count; at++) {
        if (strcmp(argument[at], "--help") == 0) {
            say(STDOUT_FILENO, "%s: %s\n", program_invocation_short_name, summary);
            settings_explain(common_settings);
            settings_explain(own);
            exit(0);
        }
        const struct setting *setting = setting_find(common_settings, argument[at]);
        if (!setting) setting = setting_find(own, argument[at]);
        if (!setting) DIE("unknown option %s\n", argument[at]);
        *setting->value = setting->max ? setting_value(setting, ++at < count ? argument[at] : NULL) : 1;
    }
    if (threads == 0) DIE("--threads wants at least 1\n");
}

static inline uint64_t scaled(uint64_t work)
{
    uint64_t amount = work * scale_percent / 100;
    return amount ? amount : 1;
}

static inline uint64_t resident_kib(void)
{
    char text[128] = {0};
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, text, sizeof text - 1) <= 0) DIE("cannot read /proc/self/statm\n");
    close(file);
    const char *resident = strchr(text, ' ');
    return resident ? strtoull(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) / KIB : 0;
}

static inline void idle(void)
{
    struct timespec left = {(time_t)(idle_milliseconds / 1000), (long)(idle_milliseconds % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) continue;
}

/* How each allocator decommits all that is free. Weak: one of them is there at a time, or
 * none. */
extern int malloc_trim(size_t pad) __attribute__((weak));
extern int mallctl(const char *name, void *old, size_t *old_bytes, void *new, size_t bytes) __attribute__((weak));
extern void mi_collect(bool force) __attribute__((weak));
extern void MallocExtension_ReleaseFreeMemory(void) __attribute__((weak));

static inline void give_back(void)
{
    /* 4096 is all of jemalloc's arenas. */
    if (mallctl) mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    if (mallctl) mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
    if (mi_collect) mi_collect(true);
    if (MallocExtension_ReleaseFreeMemory) MallocExtension_ReleaseFreeMemory();
    if (malloc_trim) malloc_trim(0);
}

/* The workload may still hold blocks: they count in the resident sets that this prints. */
static inline int workload_end(uint64_t checksum)
{
    say(STDOUT_FILENO, "checksum %016llx\n", (unsigned long long)checksum);
    if (idle_milliseconds) {
        idle();
        say(STDOUT_FILENO, "idle-resident-kib %llu\n", (unsigned long long)resident_kib());
        give_back();
        say(STDOUT_FILENO, "trimmed-resident-kib %llu\n", (unsigned long long)resident_kib());
    }
    return 0;
}

static inline double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

struct random {
    uint64_t state;
};

static inline uint32_t random_word(struct random *random)
{
    random->state = random->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random->state >> 32);
}

static inline uint32_t random_below(struct random *random, uint32_t bound)
{
    return (uint32_t)((uint64_t)random_word(random) * bound >> 32);
}

static inline size_t random_between(struct random *random, size_t least, size_t most)
{
    return least + random_below(random, (uint32_t)(most - least + 1));
}

/* The density falls linearly from `least` to nothing at `most`. */
static inline size_t random_falloff(struct random *random, size_t least, size_t most)
{
    size_t one = random_between(random, least, most), other = random_between(random, least, most);
    return one < other ? one : other;
}

/* Sums of these are the checksum: the order in which threads add them is of no consequence. */
static inline uint64_t mixed(uint64_t word) { return (word ^ word >> 29) * 0x9E3779B97F4A7C15u; }

static inline uint64_t word_at(const void *block, size_t offset)
{
    uint64_t word;
    memcpy(&word, (const char *)block + offset, sizeof word);
    return word;
}

static inline void word_set(void *block, size_t offset, uint64_t word)
{
    memcpy((char *)block + offset, &word, sizeof word);
}

static inline void *checked(void *block, size_t bytes)
{
    if (!block) DIE("no memory for %zu bytes\n", bytes);
    size_t alignment = bytes < 16 ? 8 : 16;
    if ((uintptr_t)block & (alignment - 1)) DIE("%p is misaligned for %zu bytes\n", block, bytes);
    return block;
}

/* A block carries its size and a serial number in its first word, and the complement in its last
 * one: two blocks that overlap, or one that lost its end, cannot both be read back. */
static inline void block_write(void *block, size_t bytes, uint32_t serial)
{
    uint64_t tag = (uint64_t)serial << 32 | bytes;
    word_set(block, 0, tag);
    if (bytes >= 2 * TAG_BYTES) word_set(block, bytes - TAG_BYTES, ~tag);
}

static inline size_t block_bytes(const void *block) { return (uint32_t)word_at(block, 0); }

static inline uint64_t block_read(const void *block)
{
    uint64_t tag = word_at(block, 0);
    size_t bytes = (uint32_t)tag;
    if (bytes < TAG_BYTES) DIE("the block at %p has lost its first word\n", block);
    if (bytes >= 2 * TAG_BYTES && word_at(block, bytes - TAG_BYTES) != ~tag)
        DIE("the block at %p has lost its last word\n", block);
    return mixed(tag);
}

static inline void *block_new(size_t bytes, uint32_t serial)
{
    void *block = checked(malloc(bytes), bytes);
    block_write(block, bytes, serial);
    return block;
}

static inline uint64_t block_free(void *block)
{
    uint64_t sum = block_read(block);
    free(block);
    return sum;
}

/* One word in each page between the first and the last word of the block. */
static inline void block_touch(void *block, size_t bytes)
{
    for (size_t at = PAGE_BYTES; at + 2 * TAG_BYTES <= bytes; at += PAGE_BYTES) word_set(block, at, at ^ bytes);
}

static inline uint64_t block_touched(const void *block, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t at = PAGE_BYTES; at + 2 * TAG_BYTES <= bytes; at += PAGE_BYTES) sum += mixed(word_at(block, at));
    return sum;
}

/* Blocks on their way between threads: the thread that puts one in takes out what another left
 * there. */
typedef _Atomic(void *) exchange_place;

static inline uint64_t exchange_and_free(exchange_place *place, void *block)
{
    void *left = atomic_exchange_explicit(place, block, memory_order_acq_rel);
    return left ? block_free(left) : 0;
}

struct worker {
    _Alignas(2 * CACHE_LINE_BYTES) unsigned index;
    uint32_t serial;
    struct random random;
    uint64_t checksum;
    void (*body)(struct worker *);
    pthread_t thread;
};

static inline void thread_start(pthread_t *thread, void *(*body)(void *), void *argument)
{
    int error = pthread_create(thread, NULL, body, argument);
    if (error) DIE("no thread: %s\n", strerror(error));
}

static inline void thread_join(pthread_t thread)
{
    if (pthread_join(thread, NULL) != 0) DIE("a thread could not be joined\n");
}

static inline struct worker worker_of(unsigned index, void (*body)(struct worker *))
{
    return (struct worker){.index = index, .serial = index << 24, .random = {index * 7919 + 1}, .body = body};
}

static inline void *worker_main(void *worker)
{
    ((struct worker *)worker)->body(worker);
    return NULL;
}

/* A table of workers continues where it stopped when it is run again. */
static inline uint64_t workers_run(struct worker *workers)
{
    uint64_t sum = 0;
    for (unsigned at = 0; at < threads; at++) thread_start(&workers[at].thread, worker_main, &workers[at]);
    for (unsigned at = 0; at < threads; at++) {
        thread_join(workers[at].thread);
        sum += workers[at].checksum;
        workers[at].checksum = 0;
    }
    return sum;
}

static inline void workers_prepare(struct worker *workers, void (*body)(struct worker *))
{
    for (unsigned at = 0; at < threads; at++) workers[at] = worker_of(at, body);
}

#endif
