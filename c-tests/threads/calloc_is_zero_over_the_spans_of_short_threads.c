/* A thread takes a span for a single slot and exits: what the span never touched may still be dirty
 * from before. */
#include "expect.h"

enum { ROUNDS = 60 };

static void *one_of_each(void *ignored)
{
    void *slot[64];
    for (size_t i = 0; i < COUNT_OF(slot); i++) slot[i] = malloc((i + 1) * 400);
    for (size_t i = 0; i < COUNT_OF(slot); i++) free(slot[i]);
    return ignored;
}

int main(void)
{
    size_t bytes = 8 * MIB;
    for (int round = 0; round < ROUNDS; round++) {
        void *dirty = malloc(bytes);
        EXPECT(dirty != NULL);
        memset(dirty, 0xFF, bytes);
        free(dirty);
        run_in_thread(one_of_each, NULL);
        if (round % 3 == 0) malloc_trim(0);
        void *block[16];
        for (size_t i = 0; i < COUNT_OF(block); i++) {
            block[i] = calloc(1, 400 * KIB);
            EXPECT(block[i] != NULL);
            EXPECT(is_zero(block[i], 400 * KIB));
            memset(block[i], 0xFF, 400 * KIB);
        }
        for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
    }
}
