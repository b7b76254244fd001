#include "expect.h"
#include "timer.h"

enum { THREADS = 3 };

static volatile int hits;

static void handler(int signal_number)
{
    int error = errno;
    (void)signal_number;
    for (unsigned i = 0; i < 20; i++) free(malloc(i * 60));
    __atomic_fetch_add(&hits, 1, __ATOMIC_RELAXED);
    errno = error;
}

static void *busy(void *ignored)
{
    void *block[100] = {NULL};
    for (unsigned i = 0; hits < 3000; i++) {
        free(block[i % 100]);
        block[i % 100] = malloc(i * 61 % 3000);
        EXPECT(block[i % 100] != NULL);
    }
    for (int i = 0; i < 100; i++) free(block[i]);
    return ignored;
}

int main(void)
{
    pthread_t thread[THREADS];
    require_tinyalloc();
    watchdog(50);
    timer_start(handler, 200);
    for (int i = 0; i < THREADS; i++) thread[i] = start(busy, NULL);
    churn_until(&hits, 3000);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
}
