#include "expect.h"

static void mistake(void)
{
    enum { OTHERS = 500 };
    void *block = malloc(64), *other[OTHERS];
    for (int i = 0; i < OTHERS; i++) other[i] = malloc(64);
    free(block);
    for (int i = 0; i < OTHERS; i++) free(other[i]);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p");
}
