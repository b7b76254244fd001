// A program locks a page of a block, or a few small blocks (secrets), and frees them without
// munlock: what the system then refuses, in the middle of a range, is undone. Reports: LLVM
// #167788, hardened_malloc #341, s2n-tls #1502.
#include "expect.h"

enum { BLOCKS = 40 };

static void large(size_t bytes)
{
    for (int i = 0; i < BLOCKS; i++) {
        char *block = malloc(bytes);
        EXPECT(block != NULL);
        memset(block, 1, bytes);
        char *page = (char *)(((uintptr_t)block + bytes / 2) & ~(uintptr_t)4095);
        if (mlock(page, 4096) != 0) skip("nothing may be locked");
        free(block);
        char *again = calloc(1, bytes);
        EXPECT(again != NULL && is_zero(again, bytes));
        memset(again, 2, bytes);
        free(again);
    }
}

static void small(void)
{
    static char *block[2000];
    for (size_t i = 0; i < COUNT_OF(block); i++) {
        EXPECT((block[i] = malloc(500)) != NULL);
        memset(block[i], 3, 500);
        if (i % 400 == 7) EXPECT(mlock(block[i], 500) == 0);
    }
    for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
    malloc_trim(0);
    for (size_t i = 0; i < COUNT_OF(block); i++) {
        EXPECT((block[i] = calloc(1, 500)) != NULL && is_zero(block[i], 500));
        memset(block[i], 4, 500);
    }
    for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
}

int main(void)
{
    static const size_t sizes[] = {40 * KIB, 100 * KIB, 300 * KIB, 3 * MIB};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) large(sizes[i]);
    for (int round = 0; round < 4; round++) small();
    return 0;
}
