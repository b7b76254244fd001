#include "expect.h"
#include <spawn.h>

extern char **environ;

static void *spawns(void *ignored)
{
    char *const arguments[] = {(char *)"true", NULL};
    for (int round = 0; round < 60; round++) {
        pid_t child;
        void *block = malloc((size_t)round * 100);
        EXPECT(posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environ) == 0);
        expect_child_exits_0(child);
        free(block);
    }
    return ignored;
}

int main(void)
{
    pthread_t thread[4];
    watchdog(50);
    for (int i = 0; i < 4; i++) thread[i] = start(spawns, NULL);
    for (int i = 0; i < 4; i++) join(thread[i]);
}
