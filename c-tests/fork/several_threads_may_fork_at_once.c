/* glibc does not serialise the prepare handlers of concurrent forks: a nesting counter breaks
 * here. */
#include "expect.h"

enum { THREADS = 4, ROUNDS = 50 };

static void *forks(void *ignored)
{
    for (int round = 0; round < ROUNDS; round++) {
        void *block = malloc(1000);
        fill(block, 1000, 1);
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            EXPECT(is_filled(block, 1000, 1));
            free(block);
            for (unsigned i = 0; i < 500; i++) free(malloc(i * 20));
            _exit(0);
        }
        expect_child_exits_0(child);
        free(block);
    }
    return ignored;
}

int main(void)
{
    pthread_t thread[THREADS];
    watchdog(50);
    for (int i = 0; i < THREADS; i++) thread[i] = start(forks, NULL);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
}
