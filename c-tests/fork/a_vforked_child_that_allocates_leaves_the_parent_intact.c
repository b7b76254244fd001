/* Not allowed by POSIX, done by shells: the child borrows the parent's memory, and its heap. */
#include "expect.h"

int main(void)
{
    watchdog(50);
    for (volatile int round = 0; round < 200; round++) {
        void *volatile block = malloc(1000);
        fill(block, 1000, 1);
        pid_t child = vfork();
        if (child == 0) {
            for (unsigned i = 0; i < 100; i++) free(malloc(i * 50));
            _exit(0);
        }
        expect_child_exits_0(child);
        EXPECT(is_filled(block, 1000, 1));
        free(block);
        for (unsigned i = 0; i < 100; i++) free(malloc(i * 50));
    }
}
