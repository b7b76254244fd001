/* Thousands of threads that hold eight blocks each and sleep.
 * Stresses: what a thread costs that allocates little: heaps, spans and pages of its own.
 * Pattern: a thread for each connection; mimalloc#1107. */
#include "workload.h"

enum { SLEEPERS = 2000, BLOCKS = 8, SMALLEST = 24, STACK_BYTES = 64 * 1024 };

static uint64_t sleepers = SLEEPERS;
static _Atomic uint64_t ready, checksum;

static void *hold(void *serial)
{
    uint64_t sum = 0;
    for (unsigned at = 0; at < BLOCKS; at++)
        sum += block_read(block_new((size_t)SMALLEST << at, (uint32_t)(uintptr_t)serial * BLOCKS + at));
    atomic_fetch_add(&checksum, sum);
    atomic_fetch_add(&ready, 1);
    for (;;) pause();
    return NULL;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {{"--sleepers", &sleepers, 20000, "threads, before --scale"}, {0}};
    pthread_attr_t attributes;
    workload_begin(count, argument, "threads that hold a few blocks and sleep", settings);
    CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0);
    uint64_t wanted = scaled(sleepers);
    for (uint64_t at = 0; at < wanted; at++) {
        pthread_t thread;
        int error = pthread_create(&thread, &attributes, hold, (void *)(uintptr_t)at);
        if (error) DIE("no thread %llu: %s\n", (unsigned long long)at, strerror(error));
    }
    while (atomic_load(&ready) < wanted) usleep(100);
    return workload_end(atomic_load(&checksum));
}
