/* What is known to be zero is known by page runs that split, merge and are purged: each step may
 * mix them up. */
#include "expect.h"

enum { BLOCKS = 2000, STEPS = 200000 };

static uint64_t random_state = 88172645463325252;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

int main(void)
{
    static void *block[BLOCKS];
    for (int step = 0; step < STEPS; step++) {
        size_t at = next_random() % BLOCKS, low = (size_t)1 << next_random() % 20, bytes = low + next_random() % low;
        bool cleared = next_random() % 3 == 0;
        free(block[at]);
        block[at] = NULL;
        if (bytes > 300000 && next_random() % 4) continue;
        block[at] = cleared ? calloc(1, bytes) : malloc(bytes);
        EXPECT(block[at] != NULL);
        if (cleared) EXPECT(is_zero(block[at], bytes));
        memset(block[at], 0xFF, bytes);
        if (step % 50000 == 0) malloc_trim(0);
    }
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
}
