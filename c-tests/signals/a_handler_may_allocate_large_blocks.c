#include "expect.h"
#include "timer.h"

static volatile int hits;

static void handler(int signal_number)
{
    int error = errno;
    (void)signal_number;
    char *large = malloc(300000), *cleared = calloc(1, 70000), *aligned = memalign(4096, 5000);
    EXPECT(large && cleared && aligned);
    large[0] = large[299999] = 1;
    EXPECT(cleared[0] == 0 && cleared[69999] == 0);
    large = realloc(large, 900000);
    EXPECT(large && large[299999] == 1);
    free(large);
    free(cleared);
    free(aligned);
    hits++;
    errno = error;
}

int main(void)
{
    require_tinyalloc();
    watchdog(50);
    timer_start(handler, 1000);
    churn_until(&hits, 1000);
}
