#include "expect.h"

typedef void *Recallocarray(void *, size_t, size_t, size_t);

int main(void)
{
    Recallocarray *resize = (Recallocarray *)need("recallocarray");
    void *block = malloc(100);
    fill(block, 100, 3);
    EXPECT_REFUSED(resize(block, 10, SIZE_MAX / 8, 10), ENOMEM);
    EXPECT_REFUSED(resize(block, SIZE_MAX / 8, 10, 10), EINVAL);
    EXPECT_REFUSED(resize(NULL, 0, SIZE_MAX, 2), ENOMEM);
    EXPECT(is_filled(block, 100, 3));
    free(block);
}
