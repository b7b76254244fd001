/* malloc and free are no cancellation points: a pending cancellation waits. */
#include "expect.h"

static volatile int cancelled, finished;

static void *body(void *ignored)
{
    while (!cancelled) continue;
    void *block[64];
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < 64; i++) block[i] = malloc(i * i * 100);
        for (size_t i = 0; i < 64; i++) free(block[i]);
    }
    malloc_trim(0);
    finished = 1;
    pthread_testcancel();
    return ignored;
}

int main(void)
{
    pthread_t thread = start(body, NULL);
    EXPECT(pthread_cancel(thread) == 0);
    cancelled = 1;
    EXPECT(join(thread) == PTHREAD_CANCELED);
    EXPECT(finished);
}
