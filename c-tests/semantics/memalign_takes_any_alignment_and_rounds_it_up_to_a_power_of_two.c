/* glibc and bionic's tests demand it; jemalloc, mimalloc and snmalloc return NULL for 0, 3 and
 * 24. */
#include "expect.h"

static size_t power_of_two_from(size_t n)
{
    size_t power = 1;
    while (power < n) power *= 2;
    return power;
}

int main(void)
{
    for (size_t alignment = 0; alignment <= 4100; alignment++) {
        errno = ERRNO_UNTOUCHED;
        void *block = memalign(hidden_size(alignment), 8);
        EXPECT(block != NULL);
        EXPECT(errno == ERRNO_UNTOUCHED);
        EXPECT(is_aligned(block, power_of_two_from(alignment)));
        EXPECT(is_aligned(block, 16));
        fill(block, 8, 1);
        free(block);
    }
}
