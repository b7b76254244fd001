#include "expect.h"

int main(void)
{
    size_t before = resident_bytes();
    void *block = calloc(1, 256 * MIB);
    EXPECT(block != NULL);
    EXPECT(resident_bytes() < before + 8 * MIB);
    free(block);
}
