#include "expect.h"

enum { BLOCKS = 1000 };

static size_t heaps_in_thread;

static void *only_frees(void *blocks)
{
    for (int i = 0; i < BLOCKS; i++) free(((void **)blocks)[i]);
    heaps_in_thread = stats().heaps;
    return NULL;
}

int main(void)
{
    static void *block[BLOCKS];
    require_tinyalloc();
    for (int i = 0; i < BLOCKS; i++) block[i] = malloc((size_t)i);
    size_t heaps = stats().heaps;
    run_in_thread(only_frees, block);
    EXPECT(heaps_in_thread <= heaps);
}
