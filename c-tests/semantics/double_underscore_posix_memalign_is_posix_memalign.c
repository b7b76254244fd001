#include "expect.h"

int main(void)
{
    int (*align)(void **, size_t, size_t) = (int (*)(void **, size_t, size_t))need("__posix_memalign");
    void *block = &block;
    EXPECT(align(&block, 3, 8) == EINVAL);
    EXPECT(block == &block);
    EXPECT(align(&block, 256, 100) == 0);
    EXPECT(is_aligned(block, 256));
    free(block);
}
