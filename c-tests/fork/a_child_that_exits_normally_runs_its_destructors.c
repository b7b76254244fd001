#include "expect.h"

static void *kept;

static void at_exit(void)
{
    free(kept);
    free(malloc(1000));
}

int main(void)
{
    watchdog(50);
    EXPECT(atexit(at_exit) == 0);
    kept = malloc(1000);
    for (int i = 0; i < 100; i++) {
        pid_t child = fork();
        if (child == 0) exit(0);
        expect_child_exits_0(child);
    }
}
