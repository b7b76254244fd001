#include "expect.h"

enum { BLOCKS = 64 * 1024, BLOCK_BYTES = 1000 };

int main(void)
{
    static void *block[BLOCKS];
    memset(block, 1, sizeof block);
    size_t before = resident_bytes();
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(BLOCK_BYTES);
        EXPECT(block[i] != NULL);
        fill(block[i], BLOCK_BYTES, 1);
    }
    EXPECT(resident_bytes() >= before + 60 * MIB);
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    malloc_trim(0);
    EXPECT(resident_bytes() <= before + 4 * MIB);
}
