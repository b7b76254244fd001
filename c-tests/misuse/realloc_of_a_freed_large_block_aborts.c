#include "expect.h"

static size_t bytes;

static void mistake(void)
{
    void *block = malloc(bytes);
    free(block);
    hidden(realloc(culprit(block), bytes * 2));
}

int main(void)
{
    require_tinyalloc();
    for (bytes = 40 * KIB; bytes <= 64 * MIB; bytes *= 4) expect_abort(mistake, "%p");
}
