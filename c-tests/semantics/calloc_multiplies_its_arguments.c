#include "expect.h"

int main(void)
{
    for (size_t count = 1; count < 3000; count = count * 2 + 1)
        for (size_t each = 1; each < 3000; each = each * 3 + 1) {
            void *block = calloc(count, each);
            EXPECT(block != NULL);
            EXPECT(malloc_usable_size(block) >= count * each);
            EXPECT(is_zero(block, count * each));
            fill(block, count * each, 9);
            free(block);
        }
}
