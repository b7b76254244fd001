#include "expect.h"

static void descend(int generation)
{
    void *block = malloc(5000);
    EXPECT(block != NULL);
    fill(block, 5000, (unsigned)generation);
    if (generation > 0) {
        pid_t child = fork();
        if (child == 0) {
            descend(generation - 1);
            _exit(0);
        }
        expect_child_exits_0(child);
    }
    EXPECT(is_filled(block, 5000, (unsigned)generation));
    free(block);
}

int main(void)
{
    watchdog(50);
    for (int i = 0; i < 10; i++) descend(10);
}
