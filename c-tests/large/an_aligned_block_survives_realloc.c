#include "expect.h"

int main(void)
{
    for (size_t alignment = 32; alignment <= 4 * MIB; alignment *= 2) {
        void *block = memalign(alignment, 1000);
        EXPECT(block != NULL);
        fill(block, 1000, 1);
        block = realloc(block, 100000);
        EXPECT(block != NULL);
        EXPECT(is_filled(block, 1000, 1));
        block = realloc(block, 500);
        EXPECT(block != NULL);
        EXPECT(is_filled(block, 500, 1));
        free(block);
    }
}
