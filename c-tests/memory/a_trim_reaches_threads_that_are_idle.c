/* The threads of a pool have worked, freed everything and say that they wait for more: a trim in
 * the main thread reaches all that they kept. */
#include "survivors.h"

enum { THREADS = 24, BLOCKS = 6000 };

static struct block block[THREADS][BLOCKS];
static pthread_barrier_t idle, over;

static void *works_and_waits(void *table)
{
    struct block *mine = table;
    void (*thread_idle)(void) = (void (*)(void))need("ta_thread_idle");
    for (int round = 0; round < 2; round++) {
        make_blocks(mine, BLOCKS, 16, 1000);
        free_blocks(mine, BLOCKS);
    }
    thread_idle();
    pthread_barrier_wait(&idle);
    pthread_barrier_wait(&over);
    make_blocks(mine, BLOCKS, 16, 1000);
    free_blocks(mine, BLOCKS);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    require_tinyalloc();
    memset(block, 0xFF, sizeof block);
    memset(block, 0, sizeof block);
    EXPECT(pthread_barrier_init(&idle, NULL, THREADS + 1) == 0);
    EXPECT(pthread_barrier_init(&over, NULL, THREADS + 1) == 0);
    size_t before = resident_bytes();
    for (int i = 0; i < THREADS; i++) thread[i] = start(works_and_waits, block[i]);
    pthread_barrier_wait(&idle);
    malloc_trim(0);
    EXPECT_RESIDENT_AT_MOST(before, 4 * MIB + THREADS * 64 * KIB);
    pthread_barrier_wait(&over);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
    return 0;
}
