#include "failing_call.h"
#include "hard_times.h"

int main(void)
{
    watchdog(50);
    failing_call_install();
    for (long n = 1; n <= 20; n++) {
        pid_t child = fork();
        if (child == 0) {
            failing_call_first = failing_call_count + n;
            failing_call_last = LONG_MAX;
            size_t refusals = hard_times();
            EXPECT(n > 1 || refusals > 0 || !on_tinyalloc());
            failing_call_first = LONG_MAX;
            EXPECT(hard_times() == 0);
            _exit(0);
        }
        expect_child_exits_0(child);
    }
}
