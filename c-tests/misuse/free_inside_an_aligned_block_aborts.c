#include "expect.h"

static size_t alignment, offset;

static void mistake(void)
{
    char *block = memalign(alignment, 3 * alignment);
    free(culprit(block + offset));
}

int main(void)
{
    require_tinyalloc();
    for (alignment = 32; alignment <= 512 * KIB; alignment *= 4)
        for (offset = 1; offset <= alignment; offset *= 2) expect_abort(mistake, "invalid free of %p");
}
