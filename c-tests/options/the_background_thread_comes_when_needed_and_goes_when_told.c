#include "background.h"

static bool is_there(void) { return background_thread() != 0; }
static bool is_gone(void) { return background_thread() == 0; }

static bool burst_stays(void)
{
    burst();
    struct ta_stats then = stats();
    usleep(300000);
    return stats().purges == then.purges;
}

static int check(void)
{
    EXPECT(is_gone());
    burst();
    EXPECT(comes_true(is_there));
    EXPECT(option_set("background_purge", "off") == 0);
    EXPECT(comes_true(is_gone));
    EXPECT(option_set("background_purge", "on") == 0);
    EXPECT(comes_true(is_there));
    /* Memory that is to stay stays. */
    EXPECT(option_set("purge", "never") == 0);
    EXPECT(comes_true(burst_stays));
    return 0;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return check();
    struct run run = run_with("background_purge=on,purge_delay=50", "check");
    EXPECT(succeeded(&run));
}
