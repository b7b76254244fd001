/* Blocks of their own pages: a handler that interrupts the ten instructions of the hit path and
 * keeps a small block of the very size class that is being served there is beyond what any
 * allocator promises (docs/DESIGN.md, Signals). */
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
        free(__atomic_exchange_n(&box[i], malloc(40000 + (size_t)i * 500), __ATOMIC_ACQ_REL));
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
