/* EINVAL is returned, not set, and *memptr stays as it was; rpmalloc accepts these and NULLs it. */
#include "expect.h"

int main(void)
{
    static const size_t WRONG[] = {0, 1, 2, 3, 4, 5, 7, 9, 12, 24, 48, 0x300, 4095, 4097, (size_t)PTRDIFF_MAX, SIZE_MAX};
    void *untouched = &untouched;
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        errno = ERRNO_UNTOUCHED;
        EXPECT(posix_memalign(&untouched, hidden_size(WRONG[i]), 64) == EINVAL);
        EXPECT(untouched == &untouched);
        EXPECT(errno == ERRNO_UNTOUCHED);
    }
}
