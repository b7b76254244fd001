#include "expect.h"

int main(void)
{
    size_t half = hidden_size(SIZE_MAX / 2), root = hidden_size((size_t)1 << 32);
    EXPECT_REFUSED(calloc(half + 1, 2), ENOMEM);
    EXPECT_REFUSED(calloc(2, half + 1), ENOMEM);
    EXPECT_REFUSED(calloc(half + 2, 2), ENOMEM);
    EXPECT_REFUSED(calloc(root, root), ENOMEM);
    EXPECT_REFUSED(calloc(root + 1, root + 1), ENOMEM);
    EXPECT_REFUSED(calloc(SIZE_MAX, SIZE_MAX), ENOMEM);
    EXPECT_REFUSED(calloc(SIZE_MAX / 16 + 2, 16), ENOMEM);
}
