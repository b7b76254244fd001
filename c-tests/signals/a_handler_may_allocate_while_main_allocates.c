/* Not allowed by POSIX, done by every crash reporter and profiler: glibc aborts here,
 * hardened_malloc hangs. */
#include "expect.h"
#include "timer.h"

static volatile int hits;

static void handler(int signal_number)
{
    int error = errno;
    void *block[8];
    (void)signal_number;
    for (unsigned i = 0; i < 8; i++) {
        block[i] = malloc(i * 97 + 1);
        EXPECT(block[i] != NULL);
        fill(block[i], i * 97 + 1, i);
    }
    for (unsigned i = 0; i < 8; i++) {
        EXPECT(is_filled(block[i], i * 97 + 1, i));
        free(block[i]);
    }
    hits++;
    errno = error;
}

int main(void)
{
    require_tinyalloc();
    watchdog(50);
    timer_start(handler, 200);
    churn_until(&hits, 3000);
}
