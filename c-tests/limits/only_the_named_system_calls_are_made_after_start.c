/* Fatal sandboxes kill on anything else: mmap, munmap, mprotect, madvise, mremap and futex are all
 * there is. */
#include "hard_times.h"
#include "seccomp.h"

static void *in_a_thread(void *ignored)
{
    hard_times();
    return ignored;
}

int main(void)
{
    static const int CALLS[] = {SYS_mmap,  SYS_munmap,     SYS_mprotect, SYS_madvise,         SYS_mremap,        SYS_futex,
                                SYS_write, SYS_exit_group, SYS_exit,     SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_clone,          SYS_rt_sigaction,
#ifdef SYS_clone3
                                SYS_clone3,
#endif
                                SYS_set_robust_list, SYS_rseq};
    struct sock_filter step[FILTER_STEPS_MAX];
    size_t at = 0;
    require_tinyalloc();
    hard_times();
    step[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT_OF(CALLS); i++) {
        step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)CALLS[i], 0, 1);
        step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    filter_install(step, at);
    hard_times();
    run_in_thread(in_a_thread, NULL);
    hard_times();
    _exit(0);
}
