#include "expect.h"

enum { THREADS = 3, BLOCKS = 600, ROUNDS = 50 };

static void *block[THREADS][BLOCKS];
static pthread_barrier_t filled, finished;

static void *hold(void *number)
{
    void **mine = block[(uintptr_t)number];
    for (unsigned i = 0; i < BLOCKS; i++) {
        mine[i] = malloc(i % 50 == 0 ? 100000 : i);
        EXPECT(mine[i] != NULL);
        fill(mine[i], i, i);
    }
    pthread_barrier_wait(&filled);
    pthread_barrier_wait(&finished);
    for (unsigned i = 0; i < BLOCKS; i++) {
        EXPECT(is_filled(mine[i], i, i));
        free(mine[i]);
    }
    return NULL;
}

static void child_body(void)
{
    alarm(20);
    for (int owner = 0; owner < THREADS; owner++)
        for (unsigned i = 0; i < BLOCKS; i++) {
            EXPECT(is_filled(block[owner][i], i, i));
            if (i % 3 == 0) block[owner][i] = realloc(block[owner][i], 2 * i + 1);
            free(block[owner][i]);
        }
    for (unsigned i = 0; i < 5000; i++) free(malloc(i));
    _exit(0);
}

int main(void)
{
    watchdog(50);
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t thread[THREADS];
        pthread_barrier_init(&filled, NULL, THREADS + 1);
        pthread_barrier_init(&finished, NULL, THREADS + 1);
        for (uintptr_t i = 0; i < THREADS; i++) thread[i] = start(hold, (void *)i);
        pthread_barrier_wait(&filled);
        pid_t child = fork();
        if (child == 0) child_body();
        expect_child_exits_0(child);
        pthread_barrier_wait(&finished);
        for (int i = 0; i < THREADS; i++) join(thread[i]);
    }
}
