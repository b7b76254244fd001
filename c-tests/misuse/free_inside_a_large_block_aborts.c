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
    static const size_t SIZES[] = {40 * KIB, 100 * KIB, 300 * KIB, MIB, 5 * MIB, 64 * MIB};
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        bytes = SIZES[i];
        const size_t offsets[] = {1, 8, 16, 64, 4096, 16384, 32768, bytes / 2, bytes - 16, bytes - 1};
        for (size_t j = 0; j < COUNT_OF(offsets); j++) {
            offset = offsets[j];
            expect_abort(mistake, "invalid free of %p");
        }
    }
}
