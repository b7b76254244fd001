#include "expect.h"

static void *remote(void *block)
{
    free(block);
    return NULL;
}

static void mistake(void)
{
    void *block = malloc(48);
    free(block);
    run_in_thread(remote, culprit(block));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p");
}
