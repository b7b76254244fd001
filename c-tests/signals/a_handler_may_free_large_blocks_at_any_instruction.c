/* Stepped through: the handler strikes between every two instructions of malloc, and what it frees
 * makes memory go back to the system. A slot that malloc was about to take must not go with it. */
#include "expect.h"
#include <signal.h>
#include <ucontext.h>

enum { INSTRUCTIONS = 60, TRAP_FLAG = 0x100, BLOCKS = 4 };

#ifdef __x86_64__
static volatile int stepping, step, wanted_step;

static void handler(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number, (void)info;
    if (!stepping) {
        ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
        return;
    }
    if (step++ != wanted_step) return;
    void *block[BLOCKS];
    for (int at = 0; at < BLOCKS; at++) EXPECT(block[at] = malloc(24 * MIB));
    for (int at = BLOCKS; at-- > 0;) free(block[at]);
}

static void *stepped_malloc(size_t bytes)
{
    step = 0;
    stepping = 1;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
    void *block = malloc(bytes);
    __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    stepping = 0;
    return block;
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    require_tinyalloc();
    EXPECT(sigaction(SIGTRAP, &action, NULL) == 0);
    for (wanted_step = 0; wanted_step < INSTRUCTIONS; wanted_step++) {
        free(malloc(200));
        void *volatile block = stepped_malloc(200), *volatile other = malloc(200), *volatile large = malloc(200000);
        EXPECT(block != NULL && other != NULL && large != NULL && block != other);
        EXPECT(malloc_usable_size(block) < 4096);
        memset(large, 1, 200000);
        memset(block, 2, 200);
        EXPECT(((char *)large)[0] == 1 && ((char *)large)[199999] == 1);
        free(large);
        free(other);
        free(block);
    }
}
#else
int main(void) {}
#endif
