#include "expect.h"

int main(void)
{
    void (*release)(void *) = (void (*)(void *))need("__libc_cfree");
    release(NULL);
    for (int i = 0; i < 100000; i++) release(malloc(1000));
    EXPECT(resident_bytes() < 32 * MIB);
}
