#include "expect.h"

int main(void)
{
    for (size_t bytes = 1; bytes < 64 * MIB; bytes = bytes * 3 + 1) {
        void *block = realloc(NULL, bytes);
        EXPECT(block != NULL);
        EXPECT(malloc_usable_size(block) >= bytes);
        fill(block, bytes, 1);
        EXPECT(is_filled(block, bytes, 1));
        free(block);
    }
}
