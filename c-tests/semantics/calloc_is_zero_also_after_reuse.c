#include "expect.h"

int main(void)
{
    enum { BLOCKS = 8 };
    for (size_t bytes = 1; bytes <= 12 * MIB; bytes = bytes * 3 / 2 + 1) {
        void *block[BLOCKS];
        int blocks = bytes > MIB ? 2 : BLOCKS;
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < blocks; i++) {
                block[i] = calloc(1, bytes);
                EXPECT(block[i] != NULL);
                EXPECT(is_zero(block[i], bytes));
                memset(block[i], 0xFF, malloc_usable_size(block[i]));
            }
            for (int i = 0; i < blocks; i++) free(block[i]);
        }
    }
}
