/* A purge that failed must not leave the memory marked as known to be zero. */
#include "seccomp.h"

int main(void)
{
    REFUSE(EINVAL, SYS_madvise);
    for (size_t bytes = 1000; bytes <= 64 * MIB; bytes = bytes * 3 + 8) {
        for (int round = 0; round < 3; round++) {
            unsigned char *block = malloc(bytes);
            EXPECT(block != NULL);
            memset(block, 0xFF, bytes);
            free(block);
            malloc_trim(0);
            block = calloc(1, bytes);
            EXPECT(block != NULL);
            EXPECT(is_zero(block, bytes));
            free(block);
        }
    }
}
