#include "expect.h"

int main(void)
{
    for (size_t alignment = 16; alignment <= MIB; alignment *= 2)
        for (size_t bytes = 1; bytes <= 8 * MIB; bytes = bytes * 2 + 3) {
            void *block[4];
            for (unsigned i = 0; i < 4; i++) {
                block[i] = memalign(alignment, bytes);
                EXPECT(block[i] != NULL);
                EXPECT(is_aligned(block[i], alignment));
                EXPECT(malloc_usable_size(block[i]) >= bytes);
                fill(block[i], bytes, i);
            }
            for (unsigned i = 0; i < 4; i++) {
                EXPECT(is_filled(block[i], bytes, i));
                free(block[i]);
            }
        }
}
