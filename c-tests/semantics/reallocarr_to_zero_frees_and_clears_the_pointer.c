#include "expect.h"

int main(void)
{
    int (*resize)(void *, size_t, size_t) = (int (*)(void *, size_t, size_t))need("reallocarr");
    void *block = malloc(100);
    EXPECT(resize(&block, 0, 8) == 0);
    EXPECT(block == NULL);
    block = malloc(100);
    EXPECT(resize(&block, 8, 0) == 0);
    EXPECT(block == NULL);
}
