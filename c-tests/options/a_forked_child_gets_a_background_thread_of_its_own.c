#include "background.h"

static size_t before;

static bool is_there(void) { return background_thread() != 0; }
static bool is_given_back(void) { return resident_bytes() <= before + 3 * MIB; }

static int check(void)
{
    keep_much();
    burst();
    EXPECT(comes_true(is_there));
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) {
            EXPECT(background_thread() == 0);
            if (i > 0) _exit(0);
            before = resident_bytes();
            burst();
            EXPECT(comes_true(is_there));
            EXPECT(comes_true(is_given_back));
            exit(0);
        }
        expect_child_exits_0(child);
        burst();
    }
    return 0;
}

int main(int arguments, char **argument)
{
    static char touched[BURST_BLOCKS * sizeof(void *)];
    (void)argument;
    require_tinyalloc();
    memset(touched, 1, sizeof touched);
    watchdog(120);
    if (arguments > 1) return check();
    struct run run = run_with("background_purge=on,purge_delay=50", "check");
    EXPECT(succeeded(&run));
}
