/* OpenBSD's freezero(3). A freed slot keeps a link and a key in its first bytes; the rest must be
 * gone. */
#include "expect.h"

enum { BLOCK_BYTES = 1000, LINK_BYTES = 16, TRIES = 4096 };

int main(void)
{
    void (*release)(void *, size_t) = (void (*)(void *, size_t))need("freezero");
    release(NULL, 0);
    release(NULL, 100);
    unsigned char *secret = malloc(BLOCK_BYTES);
    uintptr_t place = (uintptr_t)secret;
    memset(secret, 0x5A, BLOCK_BYTES);
    release(secret, BLOCK_BYTES);
    for (int i = 0; i < TRIES; i++) {
        unsigned char *again = malloc(BLOCK_BYTES);
        if ((uintptr_t)again != place) continue;
        EXPECT(is_zero(again + LINK_BYTES, BLOCK_BYTES - LINK_BYTES));
        return 0;
    }
    skip("the slot did not come back");
}
