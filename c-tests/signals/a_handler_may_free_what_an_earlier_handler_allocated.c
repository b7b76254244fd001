#include "expect.h"
#include "timer.h"

enum { BOXES = 256 };

static void *volatile box[BOXES];
static volatile int hits;

static void handler(int signal_number)
{
    int error = errno;
    (void)signal_number;
    for (int i = hits % 8; i < BOXES; i += 8) {
        free(__atomic_exchange_n(&box[i], NULL, __ATOMIC_ACQ_REL));
        free(__atomic_exchange_n(&box[i], malloc((size_t)i * 5 + 1), __ATOMIC_ACQ_REL));
    }
    hits++;
    errno = error;
}

int main(void)
{
    require_tinyalloc();
    watchdog(50);
    timer_start(handler, 500);
    churn_until(&hits, 2000);
    for (int i = 0; i < BOXES; i++) free(box[i]);
}
