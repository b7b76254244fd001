#include "expect.h"

int main(void)
{
    for (size_t bytes = 30000; bytes <= 80 * MIB; bytes = bytes * 3 / 2 + 7) {
        unsigned char *block = malloc(bytes);
        EXPECT(block != NULL);
        size_t usable = malloc_usable_size(block);
        EXPECT(usable >= bytes);
        memset(block, 0x5A, usable);
        block = realloc(block, usable + usable / 2);
        EXPECT(block != NULL);
        for (size_t i = 0; i < usable; i += i + 4096 < usable ? 61 : 1) EXPECT(block[i] == 0x5A);
        free(block);
    }
}
