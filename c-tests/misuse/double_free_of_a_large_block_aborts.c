#include "expect.h"

static size_t bytes;

static void mistake(void)
{
    void *block = malloc(bytes);
    fill(block, bytes, 1);
    free(block);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    for (bytes = 40 * KIB; bytes <= 16 * MIB; bytes = bytes * 3 / 2) expect_abort(mistake, "free of %p");
}
