#include "expect.h"

static void *posix(size_t alignment)
{
    void *block = NULL;
    EXPECT(posix_memalign(&block, alignment, 0) == 0);
    return block;
}

int main(void)
{
    void *block[] = {memalign(8, 0),       memalign(64, 0),         memalign(4096, 0), valloc(0),    valloc(0), pvalloc(0), pvalloc(0),
                     aligned_alloc(16, 0), aligned_alloc(65536, 0), posix(8),          posix(1024)};
    for (size_t i = 0; i < COUNT_OF(block); i++) {
        EXPECT(block[i] != NULL);
        for (size_t j = 0; j < i; j++) EXPECT(block[i] != block[j]);
    }
    for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
}
