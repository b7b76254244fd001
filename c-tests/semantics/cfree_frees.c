#include "expect.h"

int main(void)
{
    void (*release)(void *) = (void (*)(void *))need("cfree");
    release(NULL);
    for (int i = 0; i < 100000; i++) {
        void *block = malloc(1000);
        EXPECT(block != NULL);
        fill(block, 1000, 1);
        release(block);
    }
    EXPECT(resident_bytes() < 32 * MIB);
}
