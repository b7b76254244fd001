/* Stepped through: between every two instructions of malloc, a handler takes a block of the same
 * size and frees it, four times. A size that is freed and allocated by turns has free slots of many
 * spans at hand then, and a span must not take the one home that malloc is about to take. */
#include "expect.h"
#include <signal.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { INSTRUCTIONS = 30, SEEDS = 24, BYTES = 8000, LIVE = 60, CHURNED = 400, FREED = 6, TAKEN = 200, PAIRS = 4 };

#ifdef __x86_64__
enum { TRAP_FLAG = 0x100 };

static volatile int stepping, step, wanted_step;
static void *block[LIVE], *taken[TAKEN];

static void handler(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number, (void)info;
    if (stepping && step++ != wanted_step) return;
    for (int pair = 0; stepping && pair < PAIRS; pair++) {
        void *volatile mine = malloc(BYTES);
        free(mine);
    }
    stepping = 0;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void *stepped_malloc(void)
{
    step = 0;
    stepping = 1;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
    void *mine = malloc(BYTES);
    __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    stepping = 0;
    return mine;
}

static unsigned next(unsigned *random, unsigned below)
{
    *random = *random * 1103515245u + 12345u;
    return (*random >> 16) % below;
}

static int run(unsigned random)
{
    for (int at = 0; at < LIVE; at++) EXPECT(block[at] = malloc(BYTES));
    for (int round = 0; round < CHURNED; round++) {
        void **place = &block[next(&random, LIVE)];
        free(*place);
        EXPECT(*place = malloc(BYTES));
    }
    for (int freed = 0; freed < FREED;) {
        void **place = &block[next(&random, LIVE)];
        freed += *place != NULL;
        free(*place);
        *place = NULL;
    }
    void *mine = stepped_malloc();
    for (int at = 0; at < TAKEN; at++) {
        EXPECT((taken[at] = malloc(BYTES)) && taken[at] != mine);
        for (int other = 0; other < LIVE; other++) EXPECT(taken[at] != block[other]);
        for (int other = 0; other < at; other++) EXPECT(taken[at] != taken[other]);
    }
    return 0;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    require_tinyalloc();
    EXPECT(sigaction(SIGTRAP, &action, NULL) == 0);
    for (unsigned seed = 1; seed <= SEEDS; seed++)
        for (wanted_step = 0; wanted_step < INSTRUCTIONS; wanted_step++) {
            pid_t child = fork();
            if (child == 0) _exit(run(seed));
            int status;
            EXPECT(waitpid(child, &status, 0) == child && status == 0);
        }
}
#else
int main(void) {}
#endif
