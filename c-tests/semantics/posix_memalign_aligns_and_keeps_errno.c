/* mimalloc and snmalloc leave EINVAL behind after they served an alignment of 1 MiB. */
#include "expect.h"

int main(void)
{
    for (size_t alignment = sizeof(void *); alignment <= 16 * MIB; alignment *= 2)
        for (size_t bytes = 1; bytes <= MIB; bytes = bytes * 7 + 1) {
            void *block = NULL;
            errno = ERRNO_UNTOUCHED;
            EXPECT(posix_memalign(&block, alignment, bytes) == 0);
            EXPECT(errno == ERRNO_UNTOUCHED);
            EXPECT(block != NULL);
            EXPECT(is_aligned(block, alignment));
            fill(block, bytes, 5);
            free(block);
            EXPECT(errno == ERRNO_UNTOUCHED);
        }
}
