#include "expect.h"

static size_t bytes;

static void mistake(void)
{
    void *block = malloc(bytes);
    free(block);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    for (bytes = 0; bytes <= 32 * KIB; bytes += bytes < 1024 ? 16 : 1024) expect_abort(mistake, "double free of %p");
    for (bytes = 1; bytes <= 1024; bytes += 61) expect_abort(mistake, "double free of %p");
}
