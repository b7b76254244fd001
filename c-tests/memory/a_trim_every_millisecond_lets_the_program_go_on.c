/* A program that trims far too often: its working set stays whole, it comes to an end, and it does
 * not grow. */
#include "survivors.h"

enum { TRIMS = 800, SLOTS = 8000, CHANGES_BETWEEN = 400 };

static struct block slot[SLOTS];

static void change_some(unsigned *state)
{
    for (int i = 0; i < CHANGES_BETWEEN; i++) {
        struct block *chosen = &slot[next_random(state) % SLOTS];
        free_block(chosen);
        if (next_random(state) % 8 != 0) make_block(chosen, bytes_between(state, 16, 1500));
    }
}

int main(void)
{
    unsigned state = 11;
    require_small_pages();
    watchdog(50);
    memset(slot, 0xFF, sizeof slot);
    memset(slot, 0, sizeof slot);
    size_t before = resident_bytes();
    make_blocks(slot, SLOTS, 16, 1500);
    for (int i = 0; i < TRIMS; i++) {
        change_some(&state);
        malloc_trim(0);
        usleep(1000);
    }
    check_blocks(slot, SLOTS);
    EXPECT_RESIDENT_AT_MOST(before, bytes_live(slot, SLOTS) * 3 / 2 + 4 * MIB);
    free_blocks(slot, SLOTS);
    malloc_trim(0);
    EXPECT_RESIDENT_AT_MOST(before, 2 * MIB);
    return 0;
}
