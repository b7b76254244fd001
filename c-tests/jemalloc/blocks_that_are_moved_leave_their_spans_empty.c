/* What redis does: of blocks of many sizes four in five are freed at random, and those that
 * the hint names are moved, until it names none. What is in use is dense then, and contents are
 * kept. */
#include "control.h"

enum { BLOCKS = 60000, ROUNDS = 20 };

static unsigned char *blocks[BLOCKS];
static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t size_of(size_t index)
{
    return 16 + index * 2654435761u % 600;
}

static size_t move_round(void)
{
    size_t moved = 0;
    new_epoch();
    for (size_t index = 0; index < BLOCKS; index++) {
        if (!blocks[index] || !je_get_defrag_hint(blocks[index]))
            continue;
        unsigned char *block = mallocx(size_of(index), MALLOCX_TCACHE_NONE);
        EXPECT(block != NULL);
        memcpy(block, blocks[index], size_of(index));
        dallocx(blocks[index], MALLOCX_TCACHE_NONE);
        blocks[index] = block;
        moved++;
    }
    return moved;
}

int main(void)
{
    size_t requested = 0, rounds = 0;
    for (size_t index = 0; index < BLOCKS; index++) {
        blocks[index] = malloc(size_of(index));
        EXPECT(blocks[index] != NULL);
        fill(blocks[index], size_of(index), (unsigned)index);
    }
    new_epoch();
    size_t full = read_size("stats.active");
    for (size_t index = 0; index < BLOCKS; index++) {
        if (next_random() % 5) {
            free(blocks[index]);
            blocks[index] = NULL;
        } else {
            requested += size_of(index);
        }
    }
    EXPECT(act("arena.0.purge") == 0);
    new_epoch();
    size_t sparse = read_size("stats.active");
    while (move_round() > 0 && rounds < ROUNDS)
        rounds++;
    EXPECT(act("arena.0.purge") == 0);
    new_epoch();
    size_t dense = read_size("stats.active");
    say("full %zu, sparse %zu, dense %zu, requested %zu, rounds %zu", full, sparse, dense, requested, rounds);
    EXPECT(dense < sparse / 2);
    EXPECT(dense - read_size("stats.allocated") < 72 * 16 * KIB);
    for (size_t index = 0; index < BLOCKS; index++)
        EXPECT(!blocks[index] || is_filled(blocks[index], size_of(index), (unsigned)index));
    EXPECT(je_get_defrag_hint(malloc(1 << 20)) == 0);
    return 0;
}
