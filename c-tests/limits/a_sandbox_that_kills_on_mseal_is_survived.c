/* Restarts itself under a filter written before there was mseal(2), which kills on calls that it
 * does not know. */
#include "hard_times.h"
#include "seccomp.h"

enum { SYS_SEAL = 462 };

int main(int count, char **argument)
{
    require_tinyalloc();
    if (count > 1) return hard_times() != 0;
    struct sock_filter step[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_SEAL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    free(hidden(malloc(1)));
    filter_install(step, COUNT_OF(step));
    char *const again[] = {argument[0], (char *)"inside", NULL};
    execv("/proc/self/exe", again);
    return 1;
}
