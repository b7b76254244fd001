/* DONTNEED on locked pages is EINVAL: the memory stays dirty, and calloc must clear it. */
#include "hard_times.h"

int main(void)
{
    struct rlimit some = {8 * MIB, 8 * MIB};
    (void)setrlimit(RLIMIT_MEMLOCK, &some);
    for (size_t bytes = 5000; bytes < 2 * MIB; bytes *= 3) {
        unsigned char *block = malloc(bytes);
        EXPECT(block != NULL);
        if (mlock(block, bytes) != 0) skip("mlock is refused");
        memset(block, 0xFF, bytes);
        free(block);
        malloc_trim(0);
        block = calloc(1, bytes);
        EXPECT(block != NULL);
        EXPECT(is_zero(block, bytes));
        free(block);
    }
    hard_times();
}
