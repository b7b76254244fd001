/* A span made of dirty pages and given up after one slot: its other pages are still dirty, though
 * it never touched them. */
#include "expect.h"

enum { SLOT_KINDS = 200 };

int main(void)
{
    for (int round = 0; round < 20; round++) {
        size_t bytes = 4 * MIB;
        void *dirty = malloc(bytes), *slot[SLOT_KINDS];
        EXPECT(dirty != NULL);
        memset(dirty, 0xFF, bytes);
        free(dirty);
        for (size_t i = 0; i < SLOT_KINDS; i++) slot[i] = malloc((i + 1) * 128);
        for (size_t i = 0; i < SLOT_KINDS; i++) free(slot[i]);
        void *block[8];
        for (size_t i = 0; i < 8; i++) {
            block[i] = calloc(1, 512 * KIB);
            EXPECT(block[i] != NULL);
            EXPECT(is_zero(block[i], 512 * KIB));
        }
        for (size_t i = 0; i < 8; i++) free(block[i]);
    }
}
