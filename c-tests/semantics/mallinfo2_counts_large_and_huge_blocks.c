#include "expect.h"

static size_t in_use(void)
{
    struct mallinfo2 now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

int main(void)
{
    static const size_t SIZES[] = {100000, 3 * MIB, 100 * MIB};
    for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
        size_t before = in_use();
        void *block = malloc(SIZES[i]);
        EXPECT(block != NULL);
        EXPECT(in_use() >= before + SIZES[i]);
        free(block);
        EXPECT(in_use() <= before + SIZES[i] / 10);
    }
}
