#include "expect.h"

static pthread_key_t key;

static void destroy(void *block)
{
    free(block);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        for (unsigned i = 0; i < 500; i++) free(malloc(i * 10));
        _exit(0);
    }
    expect_child_exits_0(child);
}

static void *body(void *ignored)
{
    pthread_setspecific(key, malloc(100));
    return ignored;
}

int main(void)
{
    watchdog(50);
    EXPECT(pthread_key_create(&key, destroy) == 0);
    for (int i = 0; i < 100; i++) run_in_thread(body, NULL);
}
