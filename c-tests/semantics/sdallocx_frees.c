#include "expect.h"

int main(void)
{
    void (*release)(void *, size_t, int) = (void (*)(void *, size_t, int))need("sdallocx");
    for (size_t bytes = 1; bytes < 5 * MIB; bytes = bytes * 5 / 4 + 1) {
        errno = ERRNO_UNTOUCHED;
        release(malloc(bytes), bytes, 0);
        release(memalign(256, bytes), bytes, 8);
        EXPECT(errno == ERRNO_UNTOUCHED);
    }
    for (int i = 0; i < 100000; i++) release(malloc(1000), 1000, 0);
    EXPECT(resident_bytes() < 32 * MIB);
}
