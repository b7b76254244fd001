/* Many blocks, some of which stay: what the tests of memory that comes back share. */
#ifndef SURVIVORS_H
#define SURVIVORS_H

#include "expect.h"
#include <time.h>

#define PAGE_BYTES ((size_t)4096)

struct block {
    unsigned char *at;
    size_t bytes;
};

UNUSED static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

UNUSED static size_t bytes_between(unsigned *state, size_t least, size_t most)
{
    return least + next_random(state) % (most - least + 1);
}

UNUSED static double seconds_now(void)
{
    struct timespec now;
    EXPECT(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

UNUSED static void require_small_pages(void)
{
    if ((size_t)sysconf(_SC_PAGESIZE) != PAGE_BYTES) skip("pages of another size");
}

/* The contents depend on the size, so that one seed serves a whole table. */
UNUSED static void make_block(struct block *block, size_t bytes)
{
    block->at = malloc(bytes);
    block->bytes = bytes;
    EXPECT(block->at != NULL);
    fill(block->at, bytes, (unsigned)bytes);
}

UNUSED static void check_block(const struct block *block)
{
    if (block->at) EXPECT(is_filled(block->at, block->bytes, (unsigned)block->bytes));
}

UNUSED static void check_blocks(const struct block *block, size_t count)
{
    for (size_t i = 0; i < count; i++) check_block(&block[i]);
}

UNUSED static void free_block(struct block *block)
{
    check_block(block);
    free(block->at);
    block->at = NULL;
}

UNUSED static void free_blocks(struct block *block, size_t count)
{
    for (size_t i = 0; i < count; i++) free_block(&block[i]);
}

UNUSED static void make_blocks(struct block *block, size_t count, size_t least, size_t most)
{
    unsigned state = (unsigned)(least + most);
    for (size_t i = 0; i < count; i++) make_block(&block[i], bytes_between(&state, least, most));
}

/* Frees all but one in `one_in` of the blocks, chosen at random. */
UNUSED static void thin_out(struct block *block, size_t count, unsigned one_in)
{
    unsigned state = one_in;
    for (size_t i = 0; i < count; i++)
        if (next_random(&state) % one_in != 0) free_block(&block[i]);
}

/* No allocator can have less resident, unless two survivors happen to share a page. */
UNUSED static size_t bytes_of_pages_with(const struct block *block, size_t count)
{
    size_t pages = 0;
    for (size_t i = 0; i < count; i++) {
        if (!block[i].at) continue;
        uintptr_t first = (uintptr_t)block[i].at, last = first + block[i].bytes - 1;
        pages += last / PAGE_BYTES - first / PAGE_BYTES + 1;
    }
    return pages * PAGE_BYTES;
}

UNUSED static size_t bytes_live(const struct block *block, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += block[i].at ? block[i].bytes : 0;
    return bytes;
}

/* `before` was read when the tables of the test were resident already. */
#define EXPECT_RESIDENT_AT_MOST(before, budget)                                                                        \
    do {                                                                                                               \
        size_t now = resident_bytes(), grown = now > (before) ? now - (before) : 0;                                    \
        if (grown > (budget)) say("%zu KiB more are resident, %zu KiB may be\n", grown / KIB, (size_t)(budget) / KIB); \
        EXPECT(grown <= (budget));                                                                                     \
    } while (0)

#endif
