/* Current glibc; 2.36 still rounded the alignment up, as memalign does. */
#include "expect.h"

int main(void)
{
    static const size_t WRONG[] = {0, 3, 5, 6, 7, 9, 12, 24, 48, 0x300, 4095, 4097, (size_t)PTRDIFF_MAX, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) EXPECT_REFUSED(aligned_alloc(hidden_size(WRONG[i]), 64), EINVAL);
}
