/* The whole content of a freed slot, read by a stray pointer, is written back into the same slot
 * once it is live. */
#include "expect.h"

enum { SLOT_BYTES = 64, TRIES = 1000 };

int main(void)
{
    for (int i = 0; i < TRIES; i++) {
        unsigned char *slot = malloc(SLOT_BYTES), remains[SLOT_BYTES], *again;
        free(slot);
        memcpy(remains, hidden(slot), SLOT_BYTES);
        again = malloc(SLOT_BYTES);
        EXPECT(again != NULL);
        memcpy(again, remains, SLOT_BYTES);
        free(again);
        again = malloc(SLOT_BYTES);
        EXPECT(again != NULL);
        memset(again, 0, SLOT_BYTES);
        free(again);
    }
}
