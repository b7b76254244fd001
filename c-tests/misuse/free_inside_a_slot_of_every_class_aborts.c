#include "expect.h"

static size_t bytes, offset;

static void mistake(void)
{
    char *block = malloc(bytes);
    free(culprit(block + offset));
}

int main(void)
{
    require_tinyalloc();
    for (bytes = 16; bytes <= 32 * KIB; bytes = bytes * 9 / 8 + 8) {
        const size_t offsets[] = {1, 8, 15, bytes / 2, bytes / 3 + 1, bytes - 16, bytes - 8, bytes - 1};
        for (size_t i = 0; i < COUNT_OF(offsets); i++) {
            offset = offsets[i];
            if (offset != 0) expect_abort(mistake, "invalid free of %p");
        }
    }
}
