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
    static const size_t SIZES[] = {16, 48, 80, 112, 256, 320};
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        bytes = SIZES[i];
        for (offset = 1; offset < bytes; offset++) expect_abort(mistake, "invalid free of %p");
    }
}
