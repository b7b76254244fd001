#include "expect.h"

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

int main(void)
{
    void *block = malloc(100000);
    EXPECT(block != NULL);
    struct mallinfo2 wide = mallinfo2();
    struct mallinfo narrow = mallinfo();
    EXPECT(narrow.uordblks == (int)wide.uordblks);
    EXPECT(narrow.arena == (int)wide.arena);
    EXPECT(narrow.hblkhd == (int)wide.hblkhd);
    EXPECT(narrow.uordblks > 0);
    free(block);
}
