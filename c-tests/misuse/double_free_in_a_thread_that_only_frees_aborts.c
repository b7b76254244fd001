#include "expect.h"

static void *only_frees(void *blocks)
{
    void **block = blocks;
    for (int i = 0; i < 100; i++) free(block[i]);
    free(culprit(block[50]));
    return NULL;
}

static void mistake(void)
{
    static void *block[100];
    for (int i = 0; i < 100; i++) block[i] = malloc(80);
    run_in_thread(only_frees, block);
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "free of %p");
}
