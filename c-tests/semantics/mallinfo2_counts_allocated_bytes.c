/* As glibc's tst-mallinfo2; every other replacement reports glibc's empty heap. */
#include "expect.h"

enum { BLOCKS = 4000, BLOCK_BYTES = 160 };

int main(void)
{
    static void *block[BLOCKS];
    free(malloc(BLOCK_BYTES));
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(BLOCK_BYTES);
        EXPECT(block[i] != NULL);
    }
    struct mallinfo2 during = mallinfo2();
    EXPECT(during.uordblks >= before.uordblks + BLOCKS * BLOCK_BYTES);
    EXPECT(during.uordblks <= before.uordblks + BLOCKS * BLOCK_BYTES * 2);
    EXPECT(during.arena + during.hblkhd >= during.uordblks);
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    EXPECT(mallinfo2().uordblks <= before.uordblks + BLOCKS * BLOCK_BYTES / 10);
}
