#include "expect.h"

int main(void)
{
    for (size_t alignment = 1; alignment <= MIB; alignment *= 2)
        for (size_t bytes = 1; bytes <= 3 * alignment + 7; bytes += alignment / 2 + 1) {
            errno = ERRNO_UNTOUCHED;
            void *block = aligned_alloc(alignment, bytes);
            EXPECT(block != NULL);
            EXPECT(errno == ERRNO_UNTOUCHED);
            EXPECT(is_aligned(block, alignment));
            EXPECT(is_aligned(block, 16));
            EXPECT(malloc_usable_size(block) >= bytes);
            free(block);
        }
}
