#include "expect.h"

int main(void)
{
    enum { BLOCKS = 2000 };
    static void *block[BLOCKS];
    static size_t usable[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc((size_t)i * 37 % 9000);
        EXPECT(block[i] != NULL);
        usable[i] = malloc_usable_size(block[i]);
    }
    for (int i = 0; i < BLOCKS; i += 2) free(block[i]);
    for (int i = 1; i < BLOCKS; i += 2) EXPECT(malloc_usable_size(block[i]) == usable[i]);
    for (int i = 1; i < BLOCKS; i += 2) free(block[i]);
}
