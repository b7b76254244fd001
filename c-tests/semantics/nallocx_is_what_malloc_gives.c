#include "expect.h"

int main(void)
{
    size_t (*would_give)(size_t, int) = (size_t(*)(size_t, int))need("nallocx");
    for (size_t bytes = 1; bytes < 8 * MIB; bytes = bytes < 5000 ? bytes + 1 : bytes * 9 / 8) {
        void *block = malloc(bytes);
        EXPECT(would_give(bytes, 0) >= bytes);
        EXPECT(would_give(bytes, 0) == malloc_usable_size(block));
        free(block);
    }
}
