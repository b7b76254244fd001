#ifndef HARD_TIMES_H
#define HARD_TIMES_H

#include "expect.h"

enum { HARD_TIMES_BLOCKS = 400 };

struct hard_times {
    unsigned char *block[HARD_TIMES_BLOCKS];
    size_t bytes[HARD_TIMES_BLOCKS], refusals;
};

static size_t hard_times_bytes(unsigned i)
{
    static const size_t BYTES[] = {1, 24, 100, 500, 3000, 20000, 100000, 700, 9000, 48};
    return i % 200 == 199 ? 40 * MIB : i % 50 == 49 ? 3 * MIB : BYTES[i % COUNT_OF(BYTES)] + i;
}

/* A refusal is NULL with ENOMEM, and nothing else. */
static bool hard_times_served(struct hard_times *times, const void *block)
{
    if (block) return true;
    EXPECT(errno == ENOMEM);
    times->refusals++;
    return false;
}

static void hard_times_allocate(struct hard_times *times, unsigned i)
{
    size_t bytes = hard_times_bytes(i);
    void *block = i % 4 == 0 ? malloc(bytes) : i % 4 == 1 ? calloc(1, bytes) : i % 4 == 2 ? memalign(64, bytes) : realloc(NULL, bytes);
    times->block[i] = block;
    times->bytes[i] = bytes;
    if (!hard_times_served(times, block)) return;
    if (i % 4 == 1) EXPECT(is_zero(block, bytes < 65536 ? bytes : 65536));
    fill(block, bytes, i);
}

static void hard_times_resize(struct hard_times *times, unsigned i)
{
    if (!times->block[i]) return;
    size_t bytes = i % 5 == 0 ? times->bytes[i] / 2 + 1 : times->bytes[i] * 3 / 2 + 1;
    void *block = realloc(times->block[i], bytes);
    if (!hard_times_served(times, block)) return;
    EXPECT(is_filled(block, bytes < times->bytes[i] ? bytes : times->bytes[i], i));
    times->block[i] = block;
    times->bytes[i] = bytes;
    fill(block, bytes, i);
}

static void hard_times_free(struct hard_times *times, unsigned i)
{
    if (times->block[i]) EXPECT(is_filled(times->block[i], times->bytes[i], i));
    errno = ERRNO_UNTOUCHED;
    free(times->block[i]);
    EXPECT(errno == ERRNO_UNTOUCHED);
    times->block[i] = NULL;
}

/* Every kind of request; whatever is refused, all other blocks stay as they were. Returns the
 * refusals. */
UNUSED static size_t hard_times(void)
{
    static struct hard_times times;
    times.refusals = 0;
    for (unsigned i = 0; i < HARD_TIMES_BLOCKS; i++) hard_times_allocate(&times, i);
    for (unsigned i = 0; i < HARD_TIMES_BLOCKS; i += 3) hard_times_resize(&times, i);
    for (unsigned i = 0; i < HARD_TIMES_BLOCKS; i += 2) hard_times_free(&times, i);
    malloc_trim(0);
    for (unsigned i = 0; i < HARD_TIMES_BLOCKS; i += 2) hard_times_allocate(&times, i);
    for (unsigned i = 0; i < HARD_TIMES_BLOCKS; i++) hard_times_free(&times, i);
    return times.refusals;
}

#endif
