#ifndef TIMER_H
#define TIMER_H

#include "expect.h"
#include <sys/time.h>

static void timer_start(void (*handler)(int), int microseconds)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval every = {{0, microseconds}, {0, microseconds}};
    EXPECT(sigaction(SIGPROF, &action, NULL) == 0);
    EXPECT(setitimer(ITIMER_PROF, &every, NULL) == 0);
}

struct raising {
    pthread_t target;
    volatile bool stop;
};

/* Timer ticks are as coarse as the kernel's: alone they would strike inside the allocator too
 * rarely. */
static void *timer_raises(void *raising)
{
    struct raising *raise_at = raising;
    while (!raise_at->stop) {
        pthread_kill(raise_at->target, SIGPROF);
        usleep(50);
    }
    return NULL;
}

/* Goes through fast and slow paths, checking every block, until the handler has run often
 * enough. */
UNUSED static void churn_until(volatile int *hits, int wanted)
{
    enum { BLOCKS = 512 };
    static void *block[BLOCKS];
    static size_t bytes[BLOCKS];
    struct raising raise_at = {pthread_self(), false};
    sigset_t profile;
    sigemptyset(&profile);
    sigaddset(&profile, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &profile, NULL);
    pthread_t thread = start(timer_raises, &raise_at);
    pthread_sigmask(SIG_UNBLOCK, &profile, NULL);
    for (unsigned i = 0; *hits < wanted; i = i * 1103515245 + 12345) {
        unsigned at = (i >> 8) % BLOCKS;
        if (block[at]) EXPECT(is_filled(block[at], bytes[at] < 64 ? bytes[at] : 64, at));
        if (i & 0x10000) {
            free(block[at]);
            block[at] = NULL;
        }
        bytes[at] = (i >> 12) % ((i >> 4) % 64 ? 3000 : 200000);
        block[at] = realloc(block[at], bytes[at] + 1);
        EXPECT(block[at] != NULL);
        fill(block[at], bytes[at] < 64 ? bytes[at] : 64, at);
    }
    raise_at.stop = true;
    join(thread);
    struct itimerval never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_PROF, &never, NULL);
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
}

#endif
