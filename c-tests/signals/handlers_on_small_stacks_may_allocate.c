#include "expect.h"
#include "timer.h"

static volatile int hits;

static void handler(int signal_number)
{
    int error = errno;
    (void)signal_number;
    void *block = malloc((size_t)hits % 40000);
    EXPECT(block != NULL);
    free(block);
    hits++;
    errno = error;
}

int main(void)
{
    require_tinyalloc();
    watchdog(50);
    long smallest = sysconf(_SC_MINSIGSTKSZ);
    size_t bytes = (smallest > MINSIGSTKSZ ? (size_t)smallest : (size_t)MINSIGSTKSZ) + 4096;
    stack_t small = {.ss_sp = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), .ss_size = bytes};
    EXPECT(small.ss_sp != MAP_FAILED);
    EXPECT(sigaltstack(&small, NULL) == 0);
    timer_start(handler, 1000);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK};
    EXPECT(sigaction(SIGPROF, &action, NULL) == 0);
    churn_until(&hits, 1000);
}
