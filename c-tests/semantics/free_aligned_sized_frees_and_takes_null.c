/* C23 7.24.3.5 */
#include "expect.h"

int main(void)
{
    void (*release)(void *, size_t, size_t) = (void (*)(void *, size_t, size_t))need("free_aligned_sized");
    release(NULL, 64, 0);
    for (size_t alignment = 1; alignment <= MIB; alignment *= 2)
        for (size_t bytes = 1; bytes < MIB; bytes = bytes * 7 + 1) {
            errno = ERRNO_UNTOUCHED;
            release(aligned_alloc(alignment, bytes), alignment, bytes);
            EXPECT(errno == ERRNO_UNTOUCHED);
        }
    for (int i = 0; i < 100000; i++) release(aligned_alloc(256, 1000), 256, 1000);
    EXPECT(resident_bytes() < 48 * MIB);
}
