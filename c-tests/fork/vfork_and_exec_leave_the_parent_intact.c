#include "expect.h"

enum { ROUNDS = 200 };

static volatile bool stop;

static void *busy(void *ignored)
{
    for (unsigned i = 0; !stop; i++) free(malloc(i * 61 % 5000));
    return ignored;
}

int main(void)
{
    watchdog(50);
    pthread_t thread = start(busy, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        void *block = malloc(1000);
        fill(block, 1000, 1);
        pid_t child = vfork();
        if (child == 0) {
            execl("/bin/true", "true", (char *)NULL);
            _exit(127);
        }
        expect_child_exits_0(child);
        EXPECT(is_filled(block, 1000, 1));
        free(block);
    }
    stop = true;
    join(thread);
}
