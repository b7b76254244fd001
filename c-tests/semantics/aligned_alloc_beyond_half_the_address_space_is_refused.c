#include "expect.h"

int main(void)
{
    for (int shift = 62; shift < 64; shift++) {
        errno = ERRNO_UNTOUCHED;
        EXPECT(aligned_alloc(hidden_size((size_t)1 << shift), 64) == NULL);
        EXPECT(errno == ENOMEM || errno == EINVAL);
    }
}
