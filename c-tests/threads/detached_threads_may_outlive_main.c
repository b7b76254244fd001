#include "expect.h"

static void *body(void *ignored)
{
    for (;;) {
        void *block[100];
        for (int i = 0; i < 100; i++) block[i] = malloc((size_t)i * 30);
        for (int i = 0; i < 100; i++) free(block[i]);
    }
    return ignored;
}

int main(void)
{
    for (int round = 0; round < 50; round++) {
        pid_t child = fork();
        if (child == 0) {
            for (int i = 0; i < 4; i++) pthread_detach(start(body, NULL));
            usleep(3000);
            exit(0);
        }
        expect_child_exits_0(child);
    }
}
