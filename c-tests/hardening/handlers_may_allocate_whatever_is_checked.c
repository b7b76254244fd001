#include "../options/options.h"
#include "../signals/timer.h"

static volatile int hits;

static void handler(int signal_number)
{
    int error = errno;
    void *block[8];
    (void)signal_number;
    for (unsigned i = 0; i < 8; i++) {
        block[i] = malloc(i * 97 + 1);
        EXPECT(block[i] != NULL);
        fill(block[i], i * 97 + 1, i);
    }
    for (unsigned i = 0; i < 8; i++) {
        EXPECT(is_filled(block[i], i * 97 + 1, i));
        free(block[i]);
    }
    hits++;
    errno = error;
}

int main(int arguments, char **argument)
{
    static const char *const options[] = {"hardened=on", "zero_on_free=on", "guard=2", "hardened=on,guard=20,check_sizes=on"};
    (void)argument;
    require_tinyalloc();
    watchdog(100);
    if (arguments > 1) {
        timer_start(handler, 200);
        churn_until(&hits, 1000);
        return 0;
    }
    for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct run run = run_with(options[i], "again");
        if (!succeeded(&run)) say("%s: %s\n", options[i], run.output);
        EXPECT(succeeded(&run) && run.output[0] == 0);
    }
}
