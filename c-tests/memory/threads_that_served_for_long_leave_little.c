/* The threads of a server end together, after a while in which each had a few blocks of many sizes.
 * What they keep ready goes back, though no trim comes and no thread follows. */
#include "survivors.h"

enum { THREADS = 16, BLOCKS = 24 };

static struct block block[THREADS][BLOCKS];
static pthread_barrier_t begun;

static void *serves(void *table)
{
    struct block *mine = table;
    unsigned state = (unsigned)(uintptr_t)table;
    double end = seconds_now() + 2;
    pthread_barrier_wait(&begun);
    while (seconds_now() < end) {
        for (int i = 0; i < 200; i++) {
            struct block *changed = &mine[next_random(&state) % BLOCKS];
            if (changed->at) free_block(changed);
            make_block(changed, bytes_between(&state, 500, 32 * KIB));
        }
        usleep(2000);
    }
    /* A connection leaves something behind. */
    for (int i = 4; i < BLOCKS; i++)
        if (mine[i].at) free_block(&mine[i]);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    require_tinyalloc();
    require_small_pages();
    memset(block, 0xFF, sizeof block);
    memset(block, 0, sizeof block);
    EXPECT(pthread_barrier_init(&begun, NULL, THREADS) == 0);
    size_t before = resident_bytes();
    for (int i = 0; i < THREADS; i++) thread[i] = start(serves, block[i]);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
    /* 1 MiB of blocks live, and up to 1 MiB is kept free. (Without it, 35 MiB stay.) */
    EXPECT_RESIDENT_AT_MOST(before, 6 * MIB);
    for (int i = 0; i < THREADS; i++) check_blocks(block[i], BLOCKS);
    return 0;
}
