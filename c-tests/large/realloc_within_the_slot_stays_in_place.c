#include "expect.h"

int main(void)
{
    require_tinyalloc();
    for (size_t bytes = 1; bytes < 4 * MIB; bytes = bytes * 3 / 2 + 1) {
        void *block = malloc(bytes);
        uintptr_t place = (uintptr_t)block;
        size_t usable = malloc_usable_size(block);
        block = realloc(block, usable);
        EXPECT((uintptr_t)block == place);
        block = realloc(block, bytes);
        EXPECT((uintptr_t)block == place);
        free(block);
    }
}
