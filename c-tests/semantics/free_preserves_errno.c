/* POSIX.1-2024, glibc 2.33 (bug 17924). */
#include "expect.h"

int main(void)
{
    for (size_t bytes = 0; bytes <= 80 * MIB; bytes = bytes * 3 / 2 + 1) {
        void *block = malloc(bytes);
        EXPECT(block != NULL);
        fill(block, bytes, 1);
        errno = ERRNO_UNTOUCHED;
        free(block);
        EXPECT(errno == ERRNO_UNTOUCHED);
    }
}
