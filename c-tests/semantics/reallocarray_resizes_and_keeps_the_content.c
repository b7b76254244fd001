#include "expect.h"

int main(void)
{
    void *block = reallocarray(NULL, 10, 10);
    EXPECT(block != NULL);
    fill(block, 100, 3);
    block = reallocarray(block, 100, 100);
    EXPECT(block != NULL);
    EXPECT(malloc_usable_size(block) >= 10000);
    EXPECT(is_filled(block, 100, 3));
    block = reallocarray(block, 10, 5);
    EXPECT(block != NULL);
    EXPECT(is_filled(block, 50, 3));
    free(block);
}
