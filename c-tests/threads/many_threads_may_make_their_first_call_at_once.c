#include "expect.h"

enum { THREADS = 32, ROUNDS = 30 };

static pthread_barrier_t barrier;

static void *body(void *number)
{
    unsigned seed = (unsigned)(uintptr_t)number;
    pthread_barrier_wait(&barrier);
    void *block = malloc(300);
    EXPECT(block != NULL);
    fill(block, 300, seed);
    pthread_barrier_wait(&barrier);
    EXPECT(is_filled(block, 300, seed));
    free(block);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        EXPECT(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
        for (uintptr_t i = 0; i < THREADS; i++) thread[i] = start(body, (void *)i);
        for (int i = 0; i < THREADS; i++) join(thread[i]);
        pthread_barrier_destroy(&barrier);
    }
}
