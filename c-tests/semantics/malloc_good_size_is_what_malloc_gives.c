#include "expect.h"

int main(void)
{
    size_t (*good_size)(size_t) = (size_t(*)(size_t))need("malloc_good_size");
    for (size_t bytes = 0; bytes < 8 * MIB; bytes = bytes < 5000 ? bytes + 1 : bytes * 9 / 8) {
        size_t good = good_size(bytes);
        EXPECT(good >= bytes);
        EXPECT(good_size(good) == good);
        void *block = malloc(bytes);
        EXPECT(malloc_usable_size(block) == good);
        free(block);
    }
}
