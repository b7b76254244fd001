#include "expect.h"

enum { BLOCKS = 64 };

int main(void)
{
    void *block[BLOCKS];
    require_tinyalloc();
    for (int i = 0; i < BLOCKS; i++) block[i] = malloc(MIB);
    struct ta_stats high = stats();
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    void *whole = malloc(24 * MIB);
    EXPECT(whole != NULL);
    EXPECT(stats().committed <= high.committed + 4 * MIB);
    free(whole);
}
