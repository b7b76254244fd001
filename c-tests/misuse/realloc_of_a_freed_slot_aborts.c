#include "expect.h"

static size_t resized_bytes;

static void mistake(void)
{
    void *block = malloc(48);
    free(block);
    hidden(realloc(culprit(block), resized_bytes));
}

int main(void)
{
    require_tinyalloc();
    static const size_t SIZES[] = {0, 1, 40, 48, 100, 100000, 64 * MIB};
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        resized_bytes = SIZES[i];
        expect_abort(mistake, "%p");
    }
}
