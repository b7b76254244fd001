#include "expect.h"

enum { ROUNDS = 40 };

static volatile bool stop;

static void *work(void *ignored)
{
    for (unsigned i = 0; i < 3000; i++) free(malloc(i % 3000));
    return ignored;
}

static void *busy(void *ignored)
{
    while (!stop) work(NULL);
    return ignored;
}

int main(void)
{
    watchdog(50);
    pthread_t thread = start(busy, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child == 0) {
            pthread_t own[4];
            alarm(20);
            for (int i = 0; i < 4; i++) own[i] = start(work, NULL);
            for (int i = 0; i < 4; i++) join(own[i]);
            _exit(0);
        }
        expect_child_exits_0(child);
    }
    stop = true;
    join(thread);
}
