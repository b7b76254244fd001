// Sandboxes look at the arguments of system calls (Firefox's, Firecracker's, sshd's): advice that
// they do not list is refused, or kills, and so are unknown flags of mmap. A program that closes
// such a sandbox after it has allocated goes on, as with the system's malloc: with the first large
// block inside of it, or with the sandbox closed after all kinds of work.
#include "advice.h"
#include "expect.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define LOAD(what) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, what))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define UNLESS(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skipped)
#define IF(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skipped, 0)

static void close_sandbox(unsigned otherwise)
{
    const unsigned flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_STACK | MAP_NORESERVE;
    struct sock_filter program[] = {
        LOAD(nr),
        UNLESS(SYS_madvise, 8),
        LOAD(args[2]),
        IF(MADV_NORMAL, 5),
        IF(MADV_DONTNEED, 4),
        IF(advice_for_stacks(), 3),
        IF(MADV_HUGEPAGE, 2),
        IF(MADV_NOHUGEPAGE, 1),
        RETURN(otherwise),
        RETURN(SECCOMP_RET_ALLOW),
        UNLESS(SYS_mmap, 4),
        LOAD(args[3]),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~flags),
        IF(0, 1),
        RETURN(otherwise),
        RETURN(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {COUNT_OF(program), program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) _exit(EXIT_SKIPPED);
}

static void *some_work(void *nothing)
{
    char *kept[300];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 300; i++) {
            size_t bytes = i % 3 ? 20 + i * 7 : 40000 + i * 3000;
            EXPECT((kept[i] = malloc(bytes)) != NULL);
            memset(kept[i], i, bytes);
        }
        char *grows = NULL;
        for (size_t bytes = 1000; bytes < 80 * MIB; bytes *= 2) EXPECT((grows = realloc(grows, bytes)) != NULL);
        free(grows);
        for (int i = 0; i < 300; i++) {
            EXPECT(kept[i][10] == (char)i);
            free(kept[i]);
        }
        free(hidden(malloc(0)));
        usleep(110000);
    }
    malloc_trim(0);
    return nothing;
}

static void run_in_a_sandbox(unsigned otherwise, bool early)
{
    pid_t child = fork();
    if (child == 0) {
        free(hidden(malloc(100)));
        if (!early) some_work(NULL);
        close_sandbox(otherwise);
        some_work(NULL);
        run_in_thread(some_work, NULL);
        _exit(0);
    }
    int status = 0;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) skip("no sandbox can be closed");
    if (status != 0) say("sandbox %#x, %s: status %#x\n", otherwise, early ? "early" : "late", status);
    EXPECT(status == 0);
}

int main(void)
{
    for (int early = 0; early < 2; early++) {
        run_in_a_sandbox(SECCOMP_RET_ERRNO | EINVAL, early);
        run_in_a_sandbox(SECCOMP_RET_KILL_PROCESS, early);
    }
    return 0;
}
