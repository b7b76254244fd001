#include "expect.h"

static void mistake(void)
{
    void *block = malloc(48), *moved = realloc(block, 100000);
    if (moved == block) _exit(4);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p");
}
