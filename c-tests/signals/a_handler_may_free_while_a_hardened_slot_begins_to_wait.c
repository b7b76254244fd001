/* Stepped through: the handler strikes between every two instructions of free, and frees as well. A
 * slot that both put into quarantine, or take out of it, must not come out twice. */
#include "../options/options.h"
#include <signal.h>
#include <ucontext.h>

enum { INSTRUCTIONS = 600, ROUNDS = 1, TRAP_FLAG = 0x100, BLOCKS = 3, BYTES = 24 };

#ifdef __x86_64__
static volatile int stepping, step, wanted_step;
static void *given[BLOCKS];

static void handler(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number, (void)info;
    if (!stepping) {
        ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
        return;
    }
    if (step++ != wanted_step) return;
    for (int at = 0; at < BLOCKS; at++) free(given[at]);
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void stepped_free(void *block)
{
    step = 0;
    stepping = 1;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
    free(block);
    __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    stepping = 0;
}

static int inside(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    EXPECT(sigaction(SIGTRAP, &action, NULL) == 0);
    for (int round = 0; round < ROUNDS; round++)
        for (wanted_step = 0; wanted_step < INSTRUCTIONS; wanted_step++) {
            void *block = malloc(BYTES), *other[2 * BLOCKS];
            for (int at = 0; at < BLOCKS; at++) EXPECT(given[at] = malloc(BYTES));
            stepped_free(block);
            if (step <= wanted_step)
                for (int at = 0; at < BLOCKS; at++) free(given[at]);
            for (int at = 0; at < 2 * BLOCKS; at++) EXPECT(other[at] = malloc(BYTES));
            for (int at = 0; at < 2 * BLOCKS; at++) free(other[at]);
        }
    return 0;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return inside();
    struct run run = run_with("hardened=on,quarantine=200", "inside");
    EXPECT(succeeded(&run));
}
#else
int main(void) {}
#endif
