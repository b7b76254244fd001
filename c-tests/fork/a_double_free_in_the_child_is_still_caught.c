#include "expect.h"

static void *block;
static pthread_barrier_t filled, finished;

static void *hold(void *ignored)
{
    block = malloc(48);
    pthread_barrier_wait(&filled);
    pthread_barrier_wait(&finished);
    return ignored;
}

static void mistake(void)
{
    free(block);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    pthread_barrier_init(&filled, NULL, 2);
    pthread_barrier_init(&finished, NULL, 2);
    pthread_t thread = start(hold, NULL);
    pthread_barrier_wait(&filled);
    expect_abort(mistake, "double free of %p");
    pthread_barrier_wait(&finished);
    join(thread);
}
