/* Threads that allocate, trade blocks and end; what stays in memory grows by 256 KiB at most. An
 * argument says how many. */
#include "expect.h"

enum { THREADS = 20000, WARM_THREADS = 2000, AT_ONCE = 8, BLOCKS = 40, GROWTH_MAX = 256 * 1024 };

/* What a thread leaves behind, for one of the next to free. */
static void *left[AT_ONCE];

static void *live(void *argument)
{
    size_t place = (size_t)argument;
    void *block[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        size_t bytes = 1 + (i + place) * 97 % 4000;
        block[i] = malloc(bytes);
        EXPECT(block[i] != NULL);
        fill(block[i], bytes, i);
    }
    free(__atomic_exchange_n(&left[(place + 1) % AT_ONCE], block[0], __ATOMIC_ACQ_REL));
    for (unsigned i = 1; i < BLOCKS; i++) free(block[i]);
    return NULL;
}

static void run_threads(unsigned threads)
{
    pthread_t thread[AT_ONCE];
    for (unsigned done = 0; done < threads; done += AT_ONCE) {
        for (size_t i = 0; i < AT_ONCE; i++) thread[i] = start(live, (void *)i);
        for (size_t i = 0; i < AT_ONCE; i++) join(thread[i]);
    }
}

int main(int count, char **argument)
{
    unsigned threads = count > 1 ? (unsigned)atoi(argument[1]) : THREADS;
    run_threads(WARM_THREADS);
    malloc_trim(0);
    size_t before = resident_bytes();
    run_threads(threads);
    malloc_trim(0);
    size_t after = resident_bytes();
    if (after > before + GROWTH_MAX) say("%zu KiB before, %zu KiB after %u threads\n", before / KIB, after / KIB, threads);
    EXPECT(after <= before + GROWTH_MAX);
    if (count > 1) say("%u threads: %zd KiB more\n", threads, ((ssize_t)after - (ssize_t)before) / (ssize_t)KIB);
}
