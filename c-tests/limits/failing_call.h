#ifndef FAILING_CALL_H
#define FAILING_CALL_H

/* Makes the n-th memory system call of the process fail, whichever thread makes it and however it
 * is made: a filter traps them all, the handler counts, and repeats the call from the one address
 * that the filter lets through. */
#include "seccomp.h"
#include <ucontext.h>

#if !defined(__x86_64__)
#define failing_call_install() skip("written for x86-64 only")
static long failing_call_count;
static long failing_call_first, failing_call_last;
#else

long failing_call_gate(long number, long a, long b, long c, long d, long e, long f);
extern const char failing_call_gate_end[];

__asm__(".text\n"
        ".globl failing_call_gate\n"
        ".type failing_call_gate, @function\n"
        "failing_call_gate:\n"
        "  mov %rdi, %rax\n"
        "  mov %rsi, %rdi\n"
        "  mov %rdx, %rsi\n"
        "  mov %rcx, %rdx\n"
        "  mov %r8, %r10\n"
        "  mov %r9, %r8\n"
        "  mov 8(%rsp), %r9\n"
        "  syscall\n"
        ".globl failing_call_gate_end\n"
        "failing_call_gate_end:\n"
        "  ret\n");

static volatile long failing_call_count;
static volatile long failing_call_first, failing_call_last;

static void failing_call_trapped(int signal_number, siginfo_t *info, void *context)
{
    int error = errno;
    (void)signal_number;
    greg_t *reg = ((ucontext_t *)context)->uc_mcontext.gregs;
    long count = __atomic_add_fetch(&failing_call_count, 1, __ATOMIC_RELAXED);
    if (count >= failing_call_first && count <= failing_call_last)
        reg[REG_RAX] = -ENOMEM;
    else
        reg[REG_RAX] = failing_call_gate(info->si_syscall, reg[REG_RDI], reg[REG_RSI], reg[REG_RDX], reg[REG_R10], reg[REG_R8],
                                         reg[REG_R9]);
    errno = error;
}

/* munmap and madvise that fail are another matter: they have tests of their own. */
UNUSED static void failing_call_install(void)
{
    static const int CALLS[] = {SYS_mmap, SYS_mprotect, SYS_mremap};
    struct sigaction action = {.sa_sigaction = failing_call_trapped, .sa_flags = SA_SIGINFO | SA_NODEFER};
    struct sock_filter step[FILTER_STEPS_MAX];
    uintptr_t gate = (uintptr_t)failing_call_gate_end;
    size_t at = 0, first = 0;
    EXPECT(sigaction(SIGSYS, &action, NULL) == 0);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT_OF(CALLS); i++, first++)
        step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)CALLS[i],
                                                  (unsigned char)(COUNT_OF(CALLS) - i), 0);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer));
    step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)gate, 0, 3);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4);
    step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(gate >> 32), 0, 1);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
    filter_install(step, at);
}

#endif
#endif
