#include "expect.h"

int main(void)
{
    static const size_t SIZES[] = {8 * MIB, 100 * MIB};
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        char *block = malloc(SIZES[i]);
        EXPECT(block != NULL);
        memset(block, 1, SIZES[i]);
        size_t high = resident_bytes();
        block = realloc(block, 100000);
        EXPECT(block != NULL);
        malloc_trim(0);
        EXPECT(resident_bytes() <= high - SIZES[i] / 4 * 3);
        free(block);
    }
}
