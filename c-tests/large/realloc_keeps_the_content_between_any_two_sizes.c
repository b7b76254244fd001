#include "expect.h"

int main(void)
{
    static const size_t SIZES[] = {1, 16, 100, 1000, 4096, 5000, 30000, 33000, 65536, 100000, 262144, MIB, 2 * MIB, 5 * MIB, 24 * MIB, 40 * MIB};
    for (size_t from = 0; from < COUNT_OF(SIZES); from++)
        for (size_t to = 0; to < COUNT_OF(SIZES); to++) {
            void *block = malloc(SIZES[from]);
            EXPECT(block != NULL);
            fill(block, SIZES[from], 1);
            block = realloc(block, SIZES[to]);
            EXPECT(block != NULL);
            EXPECT(malloc_usable_size(block) >= SIZES[to]);
            EXPECT(is_filled(block, SIZES[from < to ? from : to], 1));
            free(block);
        }
}
