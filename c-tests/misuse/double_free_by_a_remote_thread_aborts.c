#include "expect.h"

static void *remote(void *block)
{
    free(block);
    free(culprit(block));
    return NULL;
}

static void mistake(void) { run_in_thread(remote, malloc(48)); }

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p");
}
