/* Within a second by design, here in good time on a loaded machine: without any further call. */
#include "background.h"

static size_t before;

static bool is_given_back(void) { return resident_bytes() <= before + 3 * MIB; }

/* Without the thread: or else this test tells nothing. */
static int stays(void)
{
    keep_much();
    before = resident_bytes();
    burst();
    usleep(900000);
    EXPECT(resident_bytes() >= before + 8 * MIB);
    return 0;
}

static int check(void)
{
    keep_much();
    before = resident_bytes();
    for (int round = 0; round < 3; round++) {
        burst();
        EXPECT(comes_true(is_given_back));
    }
    int thread = background_thread();
    EXPECT(thread != 0);
    char path[64], status[4096];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", thread);
    EXPECT(proc_text(path, status, sizeof status));
    char *blocked = strstr(status, "SigBlk:");
    EXPECT(blocked != NULL);
    /* All but KILL and STOP, which no thread can block, and the three that are the C library's
     * own. */
    EXPECT((strtoull(blocked + 7, NULL, 16) | 0x380040100ULL) == ~0ULL);
    return 0;
}

int main(int arguments, char **argument)
{
    static char touched[BURST_BLOCKS * sizeof(void *)];
    require_tinyalloc();
    memset(touched, 1, sizeof touched);
    if (arguments > 1) return argument[1][0] == 's' ? stays() : check();
    struct run run = run_with("background_purge=off,purge_delay=200", "stays");
    EXPECT(succeeded(&run));
    run = run_with("background_purge=on,purge_delay=200", "check");
    EXPECT(succeeded(&run));
    EXPECT(background_thread() == 0);
    EXPECT(option_set("background_purge", "on") == 0);
    check();
}
