/* Overcommit decides; both answers are right, a crash or a lost reservation is not. */
#include "expect.h"

int main(void)
{
    for (int round = 0; round < 20; round++)
        for (int shift = 30; shift < 47; shift++) {
            errno = 0;
            char *block = malloc(hidden_size((size_t)1 << shift));
            EXPECT(block || errno == ENOMEM);
            if (!block) continue;
            block[0] = block[((size_t)1 << shift) - 1] = 1;
            free(block);
        }
    EXPECT(resident_bytes() < 64 * MIB);
}
