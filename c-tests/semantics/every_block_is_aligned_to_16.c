#include "expect.h"

static void check(void *block)
{
    EXPECT(block != NULL);
    EXPECT(is_aligned(block, 16));
}

int main(void)
{
    for (size_t bytes = 0; bytes <= 200000; bytes += bytes < 5000 ? 1 : 777) {
        void *kept = malloc(bytes);
        check(kept);
        void *cleared = calloc(1, bytes), *resized = realloc(malloc(1), bytes + 1);
        check(cleared);
        check(resized);
        free(kept);
        free(cleared);
        free(resized);
    }
}
