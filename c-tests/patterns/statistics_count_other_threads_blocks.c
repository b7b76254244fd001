/* Remote frees count once their owner has collected them, which a trim makes sure of. */
#include "expect.h"

enum { BLOCKS = 1000, BLOCK_BYTES = 500 };

static void *block[BLOCKS];

static void *allocate(void *ignored)
{
    for (int i = 0; i < BLOCKS; i++) block[i] = malloc(BLOCK_BYTES);
    return ignored;
}

static void *release(void *ignored)
{
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    return ignored;
}

int main(void)
{
    require_tinyalloc();
    run_in_thread(allocate, NULL);
    run_in_thread(release, NULL);
    malloc_trim(0);
    size_t begin = stats().allocated;
    run_in_thread(allocate, NULL);
    EXPECT(stats().allocated >= begin + BLOCKS * BLOCK_BYTES);
    run_in_thread(release, NULL);
    malloc_trim(0);
    EXPECT(stats().allocated <= begin + BLOCKS * BLOCK_BYTES / 10);
}
