/* Bursts of small objects leave a few survivors everywhere; after a trim, a burst of another size
 * takes no more memory than it needs. */
#include "survivors.h"

enum { BURSTS = 4, OBJECTS = 150000, SURVIVORS = OBJECTS / 100, LATER = 60000, LATER_BYTES = 700 };

static struct block object[OBJECTS], survivor[SURVIVORS];

static void burst(unsigned *state)
{
    make_blocks(object, OBJECTS, 16, 415);
    for (int i = 0; i < SURVIVORS; i++) {
        struct block *chosen = &object[next_random(state) % OBJECTS];
        if (!chosen->at) continue;
        free_block(&survivor[i]);
        survivor[i] = *chosen;
        chosen->at = NULL;
    }
    free_blocks(object, OBJECTS);
}

int main(void)
{
    unsigned state = 8;
    require_small_pages();
    memset(object, 0xFF, sizeof object);
    memset(survivor, 0xFF, sizeof survivor);
    memset(survivor, 0, sizeof survivor);
    size_t before = resident_bytes();
    for (int i = 0; i < BURSTS; i++) burst(&state);
    malloc_trim(0);
    make_blocks(object, LATER, LATER_BYTES, LATER_BYTES);
    size_t wanted = LATER * (size_t)LATER_BYTES + bytes_of_pages_with(survivor, SURVIVORS);
    EXPECT_RESIDENT_AT_MOST(before, wanted * 6 / 5 + 4 * MIB);
    check_blocks(survivor, SURVIVORS);
    return 0;
}
