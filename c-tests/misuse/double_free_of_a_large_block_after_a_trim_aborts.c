#include "expect.h"

static void mistake(void)
{
    void *block = malloc(3 * MIB);
    fill(block, 3 * MIB, 1);
    free(block);
    malloc_trim(0);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "free of %p");
}
