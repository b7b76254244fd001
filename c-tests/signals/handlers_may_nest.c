#include "expect.h"
#include "timer.h"

static volatile int hits;

static void inner(int signal_number)
{
    int error = errno;
    (void)signal_number;
    free(realloc(malloc(30), 3000));
    errno = error;
}

static void handler(int signal_number)
{
    int error = errno;
    (void)signal_number;
    void *block[16];
    for (size_t i = 0; i < 16; i++) block[i] = malloc(i * i * 50);
    raise(SIGUSR1);
    for (size_t i = 0; i < 16; i++) {
        EXPECT(block[i] != NULL);
        free(block[i]);
    }
    raise(SIGUSR1);
    hits++;
    errno = error;
}

int main(void)
{
    require_tinyalloc();
    watchdog(50);
    signal(SIGUSR1, inner);
    timer_start(handler, 500);
    churn_until(&hits, 2000);
}
