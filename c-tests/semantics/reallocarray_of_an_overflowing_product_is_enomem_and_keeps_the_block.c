/* ENOMEM as in glibc; mimalloc says EOVERFLOW. */
#include "expect.h"

int main(void)
{
    size_t half = hidden_size(SIZE_MAX / 2), root = hidden_size((size_t)1 << 32);
    void *block = malloc(100);
    EXPECT(block != NULL);
    fill(block, 100, 3);
    EXPECT_REFUSED(reallocarray(block, half + 1, 2), ENOMEM);
    EXPECT_REFUSED(reallocarray(block, 2, half + 2), ENOMEM);
    EXPECT_REFUSED(reallocarray(block, root, root), ENOMEM);
    EXPECT_REFUSED(reallocarray(block, SIZE_MAX, SIZE_MAX), ENOMEM);
    EXPECT_REFUSED(reallocarray(block, half + 1, 1), ENOMEM);
    EXPECT_REFUSED(reallocarray(NULL, SIZE_MAX, 2), ENOMEM);
    EXPECT(is_filled(block, 100, 3));
    free(block);
}
