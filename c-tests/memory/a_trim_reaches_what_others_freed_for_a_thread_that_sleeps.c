/* A producer waits for more work while the consumer frees the last of its blocks: a trim returns
 * their memory. */
#include "survivors.h"

enum { BLOCKS = 40000 };

static struct block block[BLOCKS];
static pthread_barrier_t made, over;

static void *produces(void *nothing)
{
    make_blocks(block, BLOCKS, 900, 1100);
    pthread_barrier_wait(&made);
    pthread_barrier_wait(&over);
    make_blocks(block, BLOCKS, 900, 1100);
    free_blocks(block, BLOCKS);
    return nothing;
}

int main(void)
{
    memset(block, 0xFF, sizeof block);
    EXPECT(pthread_barrier_init(&made, NULL, 2) == 0);
    EXPECT(pthread_barrier_init(&over, NULL, 2) == 0);
    size_t before = resident_bytes();
    pthread_t producer = start(produces, NULL);
    pthread_barrier_wait(&made);
    EXPECT(resident_bytes() >= before + bytes_live(block, BLOCKS) / 2);
    free_blocks(block, BLOCKS);
    malloc_trim(0);
    EXPECT_RESIDENT_AT_MOST(before, 4 * MIB);
    pthread_barrier_wait(&over);
    join(producer);
    return 0;
}
