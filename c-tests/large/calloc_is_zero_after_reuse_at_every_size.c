#include "expect.h"

int main(void)
{
    for (size_t bytes = 16; bytes <= 80 * MIB; bytes = bytes * 5 / 4 + 16) {
        unsigned char *block = malloc(bytes);
        EXPECT(block != NULL);
        memset(block, 0xFF, bytes);
        free(block);
        if (bytes % 3 == 0) malloc_trim(0);
        block = calloc(1, bytes);
        EXPECT(block != NULL);
        EXPECT(is_zero(block, bytes));
        memset(block, 0xFF, bytes);
        block = realloc(block, bytes / 2 + 1);
        EXPECT(block != NULL);
        free(block);
        block = calloc(1, bytes);
        EXPECT(block != NULL);
        EXPECT(is_zero(block, bytes));
        free(block);
    }
}
