/* In place or by mremap: 64 growths of up to 512 MiB would take seconds if each were copied. */
#include "expect.h"
#include <time.h>

enum { STEPS = 64 };

int main(void)
{
    size_t step = 8 * MIB;
    char *block = malloc(step);
    EXPECT(block != NULL);
    memset(block, 1, step);
    for (size_t i = 2; i <= STEPS; i++) {
        block = realloc(block, i * step);
        EXPECT(block != NULL);
        block[i * step - 1] = (char)i;
        EXPECT(block[(i - 1) * step - 1] == (char)(i == 2 ? 1 : i - 1));
    }
    // A copy would have touched every page of what was never written.
    EXPECT(resident_bytes() < 64 * MIB);
    free(block);
}
