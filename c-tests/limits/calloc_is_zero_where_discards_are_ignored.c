/* Emulators of Linux may say yes to every advice and do nothing. The program acts as one: its
 * madvise comes before the C library's. */
#include "expect.h"

static unsigned asked;

int madvise(void *start, size_t bytes, int advice)
{
    (void)start, (void)bytes, (void)advice;
    asked++;
    return 0;
}

static void expect_zero(size_t bytes)
{
    enum { BLOCKS_MAX = 300 };
    static unsigned char *block[BLOCKS_MAX];
    int blocks = bytes > 500 * KIB ? 10 : BLOCKS_MAX;
    for (int i = 0; i < blocks; i++) {
        EXPECT((block[i] = malloc(bytes)) != NULL);
        memset(block[i], 0xFF, bytes);
    }
    for (int i = 0; i < blocks; i++) free(block[i]);
    malloc_trim(0);
    for (int i = 0; i < blocks; i++) {
        EXPECT((block[i] = calloc(1, bytes)) != NULL);
        EXPECT(is_zero(block[i], bytes));
    }
    for (int i = 0; i < blocks; i++) free(block[i]);
}

int main(void)
{
    static const size_t SIZES[] = {200, 5000, 20000, 100 * KIB, MIB, 9 * MIB, 40 * MIB};
    require_tinyalloc();
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) expect_zero(SIZES[i]);
    EXPECT(asked > 0);
    return 0;
}
