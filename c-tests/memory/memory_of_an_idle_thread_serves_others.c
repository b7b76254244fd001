/* A thread says that it will wait for long: what it has freed serves the next thread, and no fresh
 * memory is taken. */
#include "survivors.h"

enum { BLOCKS = 40000 };

static struct block block[BLOCKS];
static pthread_barrier_t idle, over;

static void *works_and_waits(void *nothing)
{
    void (*thread_idle)(void) = (void (*)(void))need("ta_thread_idle");
    make_blocks(block, BLOCKS, 16, 2000);
    free_blocks(block, BLOCKS);
    thread_idle();
    pthread_barrier_wait(&idle);
    pthread_barrier_wait(&over);
    struct block again;
    make_block(&again, 100);
    free_block(&again);
    thread_idle();
    thread_idle();
    return nothing;
}

int main(void)
{
    require_tinyalloc();
    memset(block, 0xFF, sizeof block);
    EXPECT(pthread_barrier_init(&idle, NULL, 2) == 0);
    EXPECT(pthread_barrier_init(&over, NULL, 2) == 0);
    size_t before = resident_bytes();
    pthread_t thread = start(works_and_waits, NULL);
    pthread_barrier_wait(&idle);
    make_blocks(block, BLOCKS, 16, 2000);
    EXPECT_RESIDENT_AT_MOST(before, bytes_live(block, BLOCKS) * 5 / 4 + 4 * MIB);
    pthread_barrier_wait(&over);
    join(thread);
    free_blocks(block, BLOCKS);
    return 0;
}
