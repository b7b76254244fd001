/* systemd used the slack (systemd#12438, #22801, #25688). */
#include "expect.h"

int main(void)
{
    for (size_t bytes = 1; bytes <= 3 * MIB; bytes = bytes * 5 / 4 + 1) {
        unsigned char *block = malloc(bytes);
        EXPECT(block != NULL);
        size_t usable = malloc_usable_size(block);
        memset(block, 0x5A, usable);
        block = realloc(block, usable * 2 + 100);
        EXPECT(block != NULL);
        for (size_t i = 0; i < usable; i++) EXPECT(block[i] == 0x5A);
        free(block);
    }
}
