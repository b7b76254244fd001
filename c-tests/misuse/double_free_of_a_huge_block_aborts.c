#include "expect.h"

static size_t bytes;

static void mistake(void)
{
    void *block = malloc(bytes);
    EXPECT(block != NULL);
    free(block);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    for (bytes = 32 * MIB; bytes <= 1024 * MIB; bytes *= 2) expect_abort(mistake, "free of %p");
}
