#include "expect.h"

enum { BLOCKS = 3000 };

static size_t bytes_of(int i) { return i % 100 == 0 ? 100000 : (size_t)i; }

static void *allocate(void *blocks)
{
    void **block = blocks;
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(bytes_of(i));
        EXPECT(block[i] != NULL);
        fill(block[i], bytes_of(i), (unsigned)i);
    }
    return NULL;
}

int main(void)
{
    static void *block[BLOCKS];
    for (int round = 0; round < 20; round++) {
        run_in_thread(allocate, block);
        for (int i = 0; i < BLOCKS; i++) {
            EXPECT(is_filled(block[i], bytes_of(i), (unsigned)i));
            EXPECT(malloc_usable_size(block[i]) >= bytes_of(i));
            if (i % 3 == 0) block[i] = realloc(block[i], bytes_of(i) * 2 + 1);
            EXPECT(is_filled(block[i], bytes_of(i), (unsigned)i));
            free(block[i]);
        }
    }
    EXPECT(resident_bytes() < 64 * MIB);
}
