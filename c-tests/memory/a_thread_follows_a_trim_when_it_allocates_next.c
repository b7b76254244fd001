/* The threads of a pool have worked and freed everything. A trim in the main thread cannot reach
 * what they keep ready for themselves; they release it with the next allocation that has to look.
 * */
#include "survivors.h"

enum { THREADS = 24, BLOCKS = 6000, SIZE = 700 };

static struct block block[THREADS][BLOCKS];
static pthread_barrier_t trimmed, looked, over;

static void *works_and_allocates_a_little(void *table)
{
    struct block *mine = table;
    for (int round = 0; round < 2; round++) {
        make_blocks(mine, BLOCKS, 16, 1000);
        free_blocks(mine, BLOCKS);
    }
    pthread_barrier_wait(&trimmed);
    pthread_barrier_wait(&trimmed);
    make_blocks(mine, BLOCKS / 10, SIZE, SIZE + 1);
    free_blocks(mine, BLOCKS / 10);
    pthread_barrier_wait(&looked);
    pthread_barrier_wait(&over);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    require_tinyalloc();
    memset(block, 0xFF, sizeof block);
    memset(block, 0, sizeof block);
    EXPECT(pthread_barrier_init(&trimmed, NULL, THREADS + 1) == 0);
    EXPECT(pthread_barrier_init(&looked, NULL, THREADS + 1) == 0);
    EXPECT(pthread_barrier_init(&over, NULL, THREADS + 1) == 0);
    size_t before = resident_bytes();
    for (int i = 0; i < THREADS; i++) thread[i] = start(works_and_allocates_a_little, block[i]);
    pthread_barrier_wait(&trimmed);
    malloc_trim(0);
    pthread_barrier_wait(&trimmed);
    pthread_barrier_wait(&looked);
    EXPECT_RESIDENT_AT_MOST(before, 4 * MIB + THREADS * (BLOCKS / 10) * SIZE * 5 / 4);
    pthread_barrier_wait(&over);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
    return 0;
}
