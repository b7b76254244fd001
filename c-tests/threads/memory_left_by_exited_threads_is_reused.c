/* Each thread leaves its blocks to the next one, which frees them and makes its own. */
#include "expect.h"

enum { THREADS = 600, BLOCKS = 1000 };

static void *block[BLOCKS];

static void *inherit(void *ignored)
{
    for (int i = 0; i < BLOCKS; i++) {
        free(block[i]);
        block[i] = malloc((size_t)(i % 60 * 16 + 8));
        EXPECT(block[i] != NULL);
        *(char *)block[i] = 1;
    }
    return ignored;
}

int main(void)
{
    for (int i = 0; i < 50; i++) run_in_thread(inherit, NULL);
    size_t resident = resident_bytes();
    for (int i = 0; i < THREADS; i++) run_in_thread(inherit, NULL);
    EXPECT(resident_bytes() <= resident + 2 * MIB);
}
