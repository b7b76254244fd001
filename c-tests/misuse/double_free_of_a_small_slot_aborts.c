#include "expect.h"

static void mistake(void)
{
    void *block = malloc(48);
    free(block);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p (48-byte slot)");
}
