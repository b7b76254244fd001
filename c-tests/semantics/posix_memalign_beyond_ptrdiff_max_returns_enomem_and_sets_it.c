/* POSIX leaves errno open ("may be set"); programs that print it find what glibc put there. */
#include "expect.h"
#include "too_large.h"

int main(void)
{
    void *untouched = &untouched;
    for (size_t i = 0; i < COUNT_OF(TOO_LARGE); i++)
        for (size_t alignment = 8; alignment <= 2 * MIB; alignment *= 2) {
            errno = ERRNO_UNTOUCHED;
            EXPECT(posix_memalign(&untouched, alignment, hidden_size(TOO_LARGE[i])) == ENOMEM);
            EXPECT(untouched == &untouched);
            EXPECT(errno == ENOMEM);
        }
}
