#include "expect.h"

enum { BLOCKS = 20000 };

int main(void)
{
    static unsigned char *block[BLOCKS];
    static size_t bytes[BLOCKS];
    unsigned random = 12345;
    for (int round = 0; round < 10 * BLOCKS; round++) {
        random = random * 1103515245 + 12345;
        unsigned i = (random >> 8) % BLOCKS;
        if (block[i]) EXPECT(is_filled(block[i], bytes[i], i));
        free(block[i]);
        bytes[i] = (random >> 16) % ((random >> 4) % 16 ? 200 : 20000);
        block[i] = malloc(bytes[i]);
        EXPECT(block[i] != NULL);
        fill(block[i], bytes[i], i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (block[i]) EXPECT(is_filled(block[i], bytes[i], i));
        free(block[i]);
    }
}
