#include "expect.h"

enum { BLOCKS = 300 };

int main(void)
{
    static char *block[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(64 * MIB + (size_t)(i + 1) * 4096);
        if (!block[i]) skip("this machine does not overcommit 20 GiB");
        block[i][0] = (char)i;
        block[i][64 * MIB] = (char)i;
    }
    for (int i = 0; i < BLOCKS; i++) EXPECT(block[i][0] == (char)i && malloc_usable_size(block[i]) > 64 * MIB);
    for (int i = 0; i < BLOCKS; i += 2) free(block[i]);
    for (int i = 1; i < BLOCKS; i += 2) EXPECT(block[i][64 * MIB] == (char)i);
    for (int i = 1; i < BLOCKS; i += 2) free(block[i]);
}
