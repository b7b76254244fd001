#include "expect.h"

static size_t alignment;

static void mistake(void)
{
    void *block = memalign(alignment, 100);
    free(block);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    for (alignment = 16; alignment <= MIB; alignment *= 2) expect_abort(mistake, "free of %p");
}
