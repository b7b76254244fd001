/* As glibc does, with errno unchanged: where the block lives on, programs that use this as free
 * leak. */
#include "expect.h"

enum { ROUNDS = 200000, BLOCK_BYTES = 2000 };

int main(void)
{
    static const size_t SIZES[] = {0, 1, 100, 5000, 100000, 5 * MIB, 40 * MIB};
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        void *block = malloc(SIZES[i]);
        EXPECT(block != NULL);
        errno = ERRNO_UNTOUCHED;
        EXPECT(realloc(block, hidden_size(0)) == NULL);
        EXPECT(errno == ERRNO_UNTOUCHED);
    }
    size_t before = resident_bytes();
    for (int i = 0; i < ROUNDS; i++) {
        char *block = malloc(BLOCK_BYTES);
        EXPECT(block != NULL);
        block[0] = 1;
        EXPECT(realloc(block, hidden_size(0)) == NULL);
    }
    EXPECT(resident_bytes() < before + 8 * MIB);
}
