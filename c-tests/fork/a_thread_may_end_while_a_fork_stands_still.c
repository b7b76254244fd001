// Who lets the fork go on may first wait for another thread's end.
#include "stalled_fork.h"

enum { BLOCKS = 1000, BLOCK_BYTES = 200 };

static void *blocks[BLOCKS];
static sem_t allocated, go_on;

static void *allocate(void *ignored)
{
    for (int i = 0; i < BLOCKS; i++) blocks[i] = memset(malloc(BLOCK_BYTES), i, BLOCK_BYTES);
    sem_post(&allocated);
    while (sem_wait(&go_on) != 0) {}
    return ignored;
}

int main(void)
{
    pthread_t thread;
    sem_init(&allocated, 0, 0);
    sem_init(&go_on, 0, 0);
    EXPECT(pthread_create(&thread, NULL, allocate, NULL) == 0);
    while (sem_wait(&allocated) != 0) {}
    begin_stalled_fork();
    sem_post(&go_on);
    EXPECT(pthread_join(thread, NULL) == 0);
    end_stalled_fork();
    for (int i = 0; i < BLOCKS; i++) {
        EXPECT(*(unsigned char *)blocks[i] == (unsigned char)i);
        free(blocks[i]);
    }
    // The heap that it left is the next thread's.
    for (int round = 0; round < 100; round++) {
        sem_post(&go_on);
        EXPECT(pthread_create(&thread, NULL, allocate, NULL) == 0 && pthread_join(thread, NULL) == 0);
        for (int i = 0; i < BLOCKS; i++) free(blocks[i]);
    }
    malloc_trim(0);
    EXPECT(mallinfo2().uordblks < 4 * MIB);
}
