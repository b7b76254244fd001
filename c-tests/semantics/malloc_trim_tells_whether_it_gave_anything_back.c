#include "expect.h"

int main(void)
{
    void *kept = malloc(100), *block = malloc(3 * MIB);
    EXPECT(kept && block);
    fill(block, 3 * MIB, 1);
    free(block);
    while (malloc_trim(0) == 1) continue;
    EXPECT(malloc_trim(0) == 0);
    free(kept);
}
