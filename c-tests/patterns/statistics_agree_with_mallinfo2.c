#include "expect.h"

int main(void)
{
    require_tinyalloc();
    for (size_t bytes = 100; bytes < 128 * MIB; bytes *= 4) {
        void *block = malloc(bytes);
        struct ta_stats own = stats();
        struct mallinfo2 libc = mallinfo2();
        EXPECT(libc.uordblks + libc.hblkhd >= own.allocated);
        EXPECT(libc.uordblks <= own.allocated);
        EXPECT(libc.hblks == own.huge_blocks);
        free(block);
    }
}
