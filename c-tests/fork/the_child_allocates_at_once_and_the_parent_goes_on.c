/* snmalloc hung twice in 150 such forks; jemalloc, gperftools and hardened_malloc each had their
 * own story. */
#include "expect.h"

enum { ROUNDS = 200, THREADS = 3 };

static volatile bool stop;

static void *busy(void *ignored)
{
    void *block[64] = {NULL};
    for (unsigned i = 0; !stop; i++) {
        free(block[i % 64]);
        block[i % 64] = malloc(1 + i * 61 % (i % 50 == 0 ? 300000 : 4000));
    }
    for (int i = 0; i < 64; i++) free(block[i]);
    return ignored;
}

static void child_body(void)
{
    void *block[200];
    alarm(20);
    for (int i = 0; i < 200; i++) {
        block[i] = malloc((size_t)(i % 20 == 0 ? i * 5000 : i * 31) + 1);
        EXPECT(block[i] != NULL);
        *(char *)block[i] = 1;
    }
    for (int i = 0; i < 200; i++) free(block[i]);
    malloc_trim(0);
    _exit(0);
}

int main(void)
{
    pthread_t thread[THREADS];
    watchdog(50);
    for (int i = 0; i < THREADS; i++) thread[i] = start(busy, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child == 0) child_body();
        for (int i = 0; i < 100; i++) free(malloc((size_t)i * 40));
        expect_child_exits_0(child);
    }
    stop = true;
    for (int i = 0; i < THREADS; i++) join(thread[i]);
}
