/* OpenBSD's recallocarray(3) */
#include "expect.h"

typedef void *Recallocarray(void *, size_t, size_t, size_t);

int main(void)
{
    Recallocarray *resize = (Recallocarray *)need("recallocarray");
    for (size_t count = 1; count < 100000; count = count * 3 + 1) {
        memset(hidden(malloc(count * 16)), 0xFF, count * 16);
        unsigned char *block = resize(NULL, 0, count, 8);
        EXPECT(block != NULL);
        EXPECT(is_zero(block, count * 8));
        memset(block, 0x5A, count * 8);
        block = resize(block, count, count * 2, 8);
        EXPECT(block != NULL);
        for (size_t i = 0; i < count * 8; i++) EXPECT(block[i] == 0x5A);
        EXPECT(is_zero(block + count * 8, count * 8));
        memset(block, 0x5A, count * 16);
        block = resize(block, count * 2, count / 2 + 1, 8);
        EXPECT(block != NULL);
        for (size_t i = 0; i < (count / 2 + 1) * 8; i++) EXPECT(block[i] == 0x5A);
        block = resize(block, count / 2 + 1, count, 8);
        EXPECT(block != NULL);
        EXPECT(is_zero(block + (count / 2 + 1) * 8, (count - count / 2 - 1) * 8));
        free(block);
    }
}
