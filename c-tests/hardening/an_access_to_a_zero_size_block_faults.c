// modes: preload static
#include "expect.h"

static void read_it(void *at) { (void)*(volatile char *)at; }
static void write_it(void *at) { *(volatile char *)at = 1; }

static void free_twice(void)
{
    void *block = malloc(hidden_size(0));
    free(block);
    free(culprit(block));
}

static void free_inside(void) { free(culprit((char *)malloc(hidden_size(0)) + 1)); }

static void *free_it(void *block)
{
    free(block);
    return NULL;
}

int main(void)
{
    enum { BLOCKS = 5000 };
    static char *block[BLOCKS];
    require_tinyalloc();
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = i % 2 ? malloc(hidden_size(0)) : calloc(hidden_size(0), 10);
        EXPECT(block[i] && is_aligned(block[i], 16) && malloc_usable_size(block[i]) == 0);
        for (int j = i > 100 ? i - 100 : 0; j < i; j++) EXPECT(block[j] != block[i]);
    }
    expect_trap(read_it, block[0]);
    expect_trap(write_it, block[4711]);
    run_in_thread(free_it, block[0]);
    block[1] = realloc(block[1], 100);
    EXPECT(block[1] != NULL);
    memset(block[1], 1, 100);
    for (int i = 1; i < BLOCKS; i++) free(block[i]);
    expect_abort(free_twice, "double free of %p");
    expect_abort(free_inside, "invalid free of %p: 1 bytes inside");
}
