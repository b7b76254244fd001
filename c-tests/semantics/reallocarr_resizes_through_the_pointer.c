/* NetBSD's reallocarr(3): the pointer is passed by address, the result is 0 or an error number,
 * errno stays. */
#include "expect.h"

int main(void)
{
    int (*resize)(void *, size_t, size_t) = (int (*)(void *, size_t, size_t))need("reallocarr");
    void *block = NULL;
    errno = ERRNO_UNTOUCHED;
    EXPECT(resize(&block, 10, 10) == 0);
    EXPECT(block != NULL);
    fill(block, 100, 3);
    EXPECT(resize(&block, 1000, 100) == 0);
    EXPECT(malloc_usable_size(block) >= 100000);
    EXPECT(is_filled(block, 100, 3));
    EXPECT(resize(&block, 5, 10) == 0);
    EXPECT(is_filled(block, 50, 3));
    EXPECT(errno == ERRNO_UNTOUCHED);
    free(block);
}
