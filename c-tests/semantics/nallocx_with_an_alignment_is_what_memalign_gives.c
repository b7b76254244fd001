/* The low six bits of the flags are the logarithm of the alignment (jemalloc(3),
 * MALLOCX_LG_ALIGN). */
#include "expect.h"

int main(void)
{
    size_t (*would_give)(size_t, int) = (size_t(*)(size_t, int))need("nallocx");
    for (int shift = 0; shift <= 20; shift++)
        for (size_t bytes = 1; bytes < 2 * MIB; bytes = bytes * 3 + 1) {
            void *block = memalign((size_t)1 << shift, bytes);
            EXPECT(block != NULL);
            EXPECT(would_give(bytes, shift) >= bytes);
            EXPECT(would_give(bytes, shift) == malloc_usable_size(block));
            free(block);
        }
}
