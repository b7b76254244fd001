/* The statistics promise that at most `resident` bytes are in memory: the process has not grown by
 * more. */
#include "stats/stats.h"
#include "survivors.h"

enum { THREADS = 40, SMALLEST = 16, LARGEST = 32 * 1024, SIZES_MAX = 64, BLOCKS = 20000, THREAD_BYTES = 24 * 1024 };

static struct block block[THREADS][SIZES_MAX], many[BLOCKS];
static pthread_barrier_t ready, over;

static void *holds_one_of_each(void *table)
{
    struct block *next = table;
    for (size_t bytes = SMALLEST; bytes <= LARGEST; bytes = bytes * 9 / 8 + 16) make_block(next++, bytes);
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&over);
    free_blocks(table, SIZES_MAX);
    return NULL;
}

static size_t anonymous_bytes(void) { return rollup_bytes("\nAnonymous:"); }

/* Stacks and the blocks of the threads library are not the heap's. */
static void expect_bound(size_t before, size_t threads)
{
    size_t grown = anonymous_bytes() - before, promised = all_stats().resident;
    say("%zu KiB more are resident, the statistics say at most %zu KiB\n", grown / KIB, promised / KIB);
    EXPECT(grown <= promised + threads * THREAD_BYTES + 256 * KIB);
}

int main(void)
{
    pthread_t thread[THREADS];
    require_tinyalloc();
    require_small_pages();
    EXPECT(pthread_barrier_init(&ready, NULL, THREADS + 1) == 0);
    EXPECT(pthread_barrier_init(&over, NULL, THREADS + 1) == 0);
    memset(many, 0xFF, sizeof many);
    size_t before = anonymous_bytes();
    make_blocks(many, BLOCKS, 16, 4000);
    expect_bound(before, 0);
    thin_out(many, BLOCKS, 20);
    expect_bound(before, 0);
    malloc_trim(0);
    expect_bound(before, 0);
    for (int i = 0; i < THREADS; i++) thread[i] = start(holds_one_of_each, block[i]);
    pthread_barrier_wait(&ready);
    expect_bound(before, THREADS);
    pthread_barrier_wait(&over);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
    return 0;
}
