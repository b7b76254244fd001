#include "expect.h"

int main(void)
{
    size_t bytes = 16;
    void *block = malloc(bytes);
    EXPECT(block != NULL);
    fill(block, bytes, 1);
    while (bytes < 64 * MIB) {
        size_t grown = bytes * 5 / 4 + 1;
        block = realloc(block, grown);
        EXPECT(block != NULL);
        EXPECT(is_filled(block, bytes, 1));
        bytes = grown;
        fill(block, bytes, 1);
    }
    while (bytes > 16) {
        bytes = bytes * 4 / 5;
        block = realloc(block, bytes);
        EXPECT(block != NULL);
        EXPECT(is_filled(block, bytes, 1));
    }
    free(block);
}
