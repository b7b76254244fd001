#include "background.h"

static bool is_there(void) { return background_thread() != 0; }

static void *last(void *nothing)
{
    burst();
    EXPECT(comes_true(is_there));
    return nothing;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments == 1) {
        struct run run = run_with("background_purge=on,purge_delay=60000", "check");
        EXPECT(succeeded(&run));
        return 0;
    }
    watchdog(50);
    start(last, NULL);
    pthread_exit(NULL);
}
