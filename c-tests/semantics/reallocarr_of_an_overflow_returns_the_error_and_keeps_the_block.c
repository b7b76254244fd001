#include "expect.h"

int main(void)
{
    int (*resize)(void *, size_t, size_t) = (int (*)(void *, size_t, size_t))need("reallocarr");
    void *block = malloc(100), *same = block;
    fill(block, 100, 3);
    errno = ERRNO_UNTOUCHED;
    EXPECT(resize(&block, SIZE_MAX / 2 + 1, 2) == EOVERFLOW);
    EXPECT(block == same);
    EXPECT(resize(&block, SIZE_MAX - 4096, 1) == ENOMEM);
    EXPECT(block == same);
    EXPECT(errno == ERRNO_UNTOUCHED);
    EXPECT(is_filled(block, 100, 3));
    free(block);
}
