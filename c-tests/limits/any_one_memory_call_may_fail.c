/* For every n to 32, then in growing steps: the n-th mmap, mprotect or mremap fails, all others
 * succeed. */
#include "failing_call.h"
#include "hard_times.h"

enum { CALLS_MAX = 400 };

int main(void)
{
    watchdog(50);
    failing_call_install();
    for (long n = 1; n <= CALLS_MAX; n += n / 32 + 1) {
        pid_t child = fork();
        if (child == 0) {
            failing_call_count = 0;
            failing_call_first = failing_call_last = n;
            hard_times();
            _exit(failing_call_count < n ? EXIT_SKIPPED : 0);
        }
        int status = 0;
        EXPECT(waitpid(child, &status, 0) == child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) return n == 1;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) say("when call %ld fails: status %#x\n", n, status);
        EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}
