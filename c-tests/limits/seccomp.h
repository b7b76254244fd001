#ifndef SECCOMP_H
#define SECCOMP_H

#include "expect.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define THIS_ARCHITECTURE AUDIT_ARCH_RISCV64
#else
#define THIS_ARCHITECTURE 0
#endif

enum { FILTER_CALLS_MAX = 16, FILTER_STEPS_MAX = 64 };

static void filter_install(struct sock_filter *step, size_t steps)
{
    struct sock_fprog program = {(unsigned short)steps, step};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) skip("no_new_privs is refused");
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) skip("seccomp filters are refused");
}

/* From here on the listed system calls fail with `error`, for this process and what it starts. */
UNUSED static void refuse_calls(int error, const int *call, size_t calls)
{
    struct sock_filter step[FILTER_STEPS_MAX];
    size_t at = 0;
    step[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < calls; i++) {
        step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call[i], 0, 1);
        step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error);
    }
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter_install(step, at);
}

#define REFUSE(error, ...) refuse_calls((error), (const int[]){__VA_ARGS__}, COUNT_OF(((const int[]){__VA_ARGS__})))

#endif
