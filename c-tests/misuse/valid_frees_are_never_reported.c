/* The key of a freed slot may appear by chance or by copy in a live one: a suspicion must be
 * confirmed. */
#include "expect.h"

enum { SLOTS = 2000, SLOT_BYTES = 64 };

int main(void)
{
    static unsigned char *slot[SLOTS];
    static unsigned char remains[SLOTS][SLOT_BYTES];
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < SLOTS; i++) {
            slot[i] = malloc(SLOT_BYTES);
            EXPECT(slot[i] != NULL);
            // What a program sees of an uninitialised block, it may as well write back.
            memcpy(remains[i], slot[i], SLOT_BYTES);
        }
        for (int i = 0; i < SLOTS; i += 2) free(slot[i]);
        for (int i = 0; i < SLOTS; i += 2) slot[i] = malloc(SLOT_BYTES);
        for (int i = 0; i < SLOTS; i++) memcpy(slot[i], remains[(i + round) % SLOTS], SLOT_BYTES);
        for (int i = 0; i < SLOTS; i++) free(slot[i]);
    }
}
