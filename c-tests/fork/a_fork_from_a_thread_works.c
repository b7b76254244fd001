/* In the child the forking thread is the only one, and becomes the main thread. */
#include "expect.h"

static void *forks(void *kept)
{
    void *block = malloc(300);
    fill(block, 300, 2);
    pid_t child = fork();
    if (child == 0) {
        EXPECT(is_filled(kept, 300, 1));
        EXPECT(is_filled(block, 300, 2));
        free(kept);
        free(block);
        for (unsigned i = 0; i < 1000; i++) free(malloc(i));
        exit(0);
    }
    expect_child_exits_0(child);
    free(block);
    return NULL;
}

int main(void)
{
    watchdog(50);
    for (int i = 0; i < 100; i++) {
        void *kept = malloc(300);
        fill(kept, 300, 1);
        run_in_thread(forks, kept);
        EXPECT(is_filled(kept, 300, 1));
        free(kept);
    }
}
