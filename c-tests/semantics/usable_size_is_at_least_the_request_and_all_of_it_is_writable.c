#include "expect.h"

int main(void)
{
    for (size_t bytes = 0; bytes <= 70000; bytes += bytes < 5000 ? 1 : 333) {
        void *block = malloc(bytes), *neighbour = malloc(bytes);
        EXPECT(block && neighbour);
        size_t usable = malloc_usable_size(block), other = malloc_usable_size(neighbour);
        EXPECT(usable >= bytes);
        memset(block, 0x5A, usable);
        memset(neighbour, 0xA5, other);
        for (size_t i = 0; i < usable; i += i + 1 < usable - usable / 8 ? 64 : 1) EXPECT(((unsigned char *)block)[i] == 0x5A);
        EXPECT(malloc_usable_size(block) == usable);
        free(block);
        free(neighbour);
    }
}
