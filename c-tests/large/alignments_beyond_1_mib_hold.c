#include "expect.h"

int main(void)
{
    for (size_t alignment = 2 * MIB; alignment <= 1024 * MIB; alignment *= 2) {
        void *small = memalign(alignment, 100), *large = memalign(alignment, 3 * MIB);
        EXPECT(small && large);
        EXPECT(is_aligned(small, alignment));
        EXPECT(is_aligned(large, alignment));
        fill(small, 100, 1);
        fill(large, 3 * MIB, 2);
        EXPECT(is_filled(small, 100, 1));
        free(small);
        EXPECT(is_filled(large, 3 * MIB, 2));
        free(large);
    }
}
