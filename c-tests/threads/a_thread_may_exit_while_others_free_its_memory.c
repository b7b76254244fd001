#include "expect.h"

enum { ROUNDS = 400, BLOCKS = 400 };

struct handover {
    void *block[BLOCKS];
    int filled;
};

static void *owner(void *shared)
{
    struct handover *hand = shared;
    for (int i = 0; i < BLOCKS; i++) {
        hand->block[i] = malloc((size_t)(i * 7 % 900));
        EXPECT(hand->block[i] != NULL);
        __atomic_store_n(&hand->filled, i + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

int main(void)
{
    watchdog(50);
    static struct handover hand;
    for (int round = 0; round < ROUNDS; round++) {
        hand.filled = 0;
        pthread_t thread = start(owner, &hand);
        for (int i = 0; i < BLOCKS; i++) {
            while (__atomic_load_n(&hand.filled, __ATOMIC_ACQUIRE) <= i) sched_yield();
            free(hand.block[i]);
        }
        join(thread);
    }
    EXPECT(resident_bytes() < 48 * MIB);
}
