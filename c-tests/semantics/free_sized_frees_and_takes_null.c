/* C23 7.24.3.4 */
#include "expect.h"

int main(void)
{
    void (*release)(void *, size_t) = (void (*)(void *, size_t))need("free_sized");
    release(NULL, 0);
    release(NULL, 100);
    for (size_t bytes = 0; bytes < 5 * MIB; bytes = bytes * 5 / 4 + 1) {
        errno = ERRNO_UNTOUCHED;
        release(malloc(bytes), bytes);
        release(calloc(1, bytes), bytes);
        release(realloc(NULL, bytes), bytes);
        EXPECT(errno == ERRNO_UNTOUCHED);
    }
    for (int i = 0; i < 100000; i++) release(malloc(1000), 1000);
    EXPECT(resident_bytes() < 32 * MIB);
}
