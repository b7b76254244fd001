/* The heaps of threads that do not exist in the child are abandoned there: what they held free is
 * adopted. */
#include "expect.h"

enum { BLOCKS = 20000, BLOCK_BYTES = 512 };

static pthread_barrier_t filled, finished;
static void *block[BLOCKS];

static void *hold(void *ignored)
{
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(BLOCK_BYTES);
        EXPECT(block[i] != NULL);
        fill(block[i], BLOCK_BYTES, 1);
    }
    pthread_barrier_wait(&filled);
    pthread_barrier_wait(&finished);
    return ignored;
}

static void child_body(void)
{
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    size_t before = stats().committed;
    for (int i = 0; i < BLOCKS * 9 / 10; i++) {
        block[i] = malloc(BLOCK_BYTES);
        EXPECT(block[i] != NULL);
    }
    EXPECT(stats().committed <= before + 2 * MIB);
    _exit(0);
}

int main(void)
{
    require_tinyalloc();
    watchdog(50);
    pthread_barrier_init(&filled, NULL, 2);
    pthread_barrier_init(&finished, NULL, 2);
    pthread_t thread = start(hold, NULL);
    pthread_barrier_wait(&filled);
    pid_t child = fork();
    if (child == 0) child_body();
    expect_child_exits_0(child);
    pthread_barrier_wait(&finished);
    join(thread);
}
