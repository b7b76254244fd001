/* Many blocks of one size in a row, freed last in first out, first in first out, or both in
 * turn. */
#ifndef SIMPLE_H
#define SIMPLE_H

#include "workload.h"

enum { SIMPLE_BLOCKS_MAX = 1600 };

static const unsigned simple_blocks[] = {25, 100, 400, SIMPLE_BLOCKS_MAX};
static const size_t simple_bytes[] = {16, 48, 128, 512, 1024};

static inline uint64_t simple_round(size_t bytes, unsigned blocks, uint32_t serial)
{
    void *block[SIMPLE_BLOCKS_MAX];
    uint64_t sum = 0;
    for (unsigned at = 0; at < blocks; at++) block[at] = block_new(bytes, serial + at);
    for (unsigned at = blocks; at-- > 0;) sum += block_free(block[at]);
    for (unsigned at = 0; at < blocks; at++) block[at] = block_new(bytes, serial - at);
    for (unsigned at = 0; at < blocks; at++) sum += block_free(block[at]);
    for (unsigned at = 0; at < blocks; at++) block[at] = block_new(bytes, serial ^ at);
    for (unsigned at = 0; at < blocks; at += 2) sum += block_free(block[at]);
    for (unsigned at = 1; at < blocks; at += 2) sum += block_free(block[at]);
    return sum;
}

static inline uint64_t simple_all(uint64_t blocks_per_case)
{
    uint64_t sum = 0;
    for (size_t size = 0; size < COUNT_OF(simple_bytes); size++)
        for (size_t few = 0; few < COUNT_OF(simple_blocks); few++)
            for (uint64_t done = 0; done < blocks_per_case; done += 3 * simple_blocks[few])
                sum += simple_round(simple_bytes[size], simple_blocks[few], (uint32_t)done);
    return sum;
}

#endif
