#include "expect.h"

static void *busy(void *ignored)
{
    for (unsigned i = 0;; i++) free(malloc(i * 61 % 10000));
    return ignored;
}

static void at_exit(void)
{
    for (unsigned i = 0; i < 1000; i++) free(malloc(i));
}

int main(void)
{
    for (int round = 0; round < 40; round++) {
        pid_t child = fork();
        if (child == 0) {
            atexit(at_exit);
            start(busy, NULL);
            start(busy, NULL);
            usleep(2000);
            exit(0);
        }
        expect_child_exits_0(child);
    }
}
