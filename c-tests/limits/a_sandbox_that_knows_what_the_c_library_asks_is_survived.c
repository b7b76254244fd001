/* Restarts itself under a filter that kills on every call, and every advice, that neither the start
 * of a program nor the C library's own malloc makes, threads included. Huge pages are asked for
 * when small blocks outgrow 32 MiB: an option leaves that out. */
#include "advice.h"
#include "hard_times.h"
#include "seccomp.h"

enum { STEPS_MAX = 128 };

static const int CALLS[] = {
    /* The start of a program, and of its libraries. */
    SYS_execve, SYS_openat, SYS_read, SYS_pread64, SYS_close, SYS_newfstatat, SYS_fstat, SYS_faccessat, SYS_set_tid_address, SYS_set_robust_list,
    SYS_rseq, SYS_prlimit64, SYS_getrandom, SYS_readlinkat,
#ifdef __x86_64__
    SYS_access, SYS_readlink, SYS_arch_prctl,
#endif
    /* malloc. */
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_futex,
    /* Threads, and their ends. */
    SYS_clone, SYS_clone3, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_exit, SYS_exit_group, SYS_write};

static void *in_a_thread(void *ignored)
{
    hard_times();
    return ignored;
}

static void *grow(void *ignored)
{
    enum { BLOCKS = 80000, BYTES = 1000 };
    static char *block[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        EXPECT((block[i] = malloc(BYTES)) != NULL);
        memset(block[i], i, BYTES);
    }
    for (int i = 0; i < BLOCKS; i += 2) free(block[i]);
    malloc_trim(0);
    for (int i = 1; i < BLOCKS; i += 2) free(block[i]);
    return ignored;
}

static int live_inside(void)
{
    EXPECT(hard_times() == 0);
    run_in_thread(in_a_thread, NULL);
    run_in_thread(in_a_thread, NULL);
    EXPECT(hard_times() == 0);
    return 0;
}

/* Beyond what small blocks have before huge pages are asked for. */
static int grow_inside(void)
{
    grow(NULL);
    run_in_thread(grow, NULL);
    return live_inside();
}

static void restart_inside(const char *options, const char *work)
{
    struct sock_filter step[STEPS_MAX];
    size_t at = 0;
    step[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < COUNT_OF(CALLS); i++) {
        step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)CALLS[i], 0, 1);
        step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 4);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2]));
    step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MADV_DONTNEED, 1, 0);
    step[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, advice_for_stacks(), 0, 1);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    step[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    setenv("TINYALLOC_OPTIONS", options, 1);
    filter_install(step, at);
    char *const again[] = {(char *)"again", (char *)work, NULL};
    execv("/proc/self/exe", again);
    _exit(1);
}

static int status_with(const char *options, const char *work)
{
    int status = 0;
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) restart_inside(options, work);
    EXPECT(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) skip("no filter can be installed");
    return status;
}

int main(int count, char **argument)
{
    require_tinyalloc();
    if (count > 1) return strcmp(argument[1], "live") == 0 ? live_inside() : grow_inside();
    EXPECT(status_with("", "live") == 0);
    EXPECT(status_with("huge_pages=never", "grow") == 0);
}
