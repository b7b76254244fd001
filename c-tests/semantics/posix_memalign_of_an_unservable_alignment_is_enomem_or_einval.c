#include "expect.h"

int main(void)
{
    void *untouched = &untouched;
    size_t top = hidden_size((size_t)1 << 63);
    for (size_t alignment = top; alignment > top / 4; alignment /= 2) {
        errno = ERRNO_UNTOUCHED;
        int result = posix_memalign(&untouched, alignment, 8);
        EXPECT(result == ENOMEM || result == EINVAL);
        EXPECT(errno == (result == ENOMEM ? ENOMEM : ERRNO_UNTOUCHED));
        EXPECT(untouched == &untouched);
    }
}
