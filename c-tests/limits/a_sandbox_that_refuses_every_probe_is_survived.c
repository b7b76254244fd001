/* Restarts itself under a filter that refuses what an allocator might ask at start. */
#include "hard_times.h"
#include "seccomp.h"

/* Not in every header yet. */
enum { SYS_SEAL = 462 };

int main(int count, char **argument)
{
    if (count > 1) return hard_times() != 0;
    REFUSE(EPERM, SYS_getrandom, SYS_sysinfo, SYS_sched_getaffinity, SYS_madvise, SYS_mremap, SYS_getcpu, SYS_clock_gettime, SYS_membarrier,
           SYS_sched_yield, SYS_SEAL);
    char *const again[] = {argument[0], (char *)"inside", NULL};
    execv("/proc/self/exe", again);
    return 1;
}
