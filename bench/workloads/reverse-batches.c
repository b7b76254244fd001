/* Batches that grow from ten to 100,000 blocks, each freed in the reverse of the order it was
 * allocated. Stresses: the refill path going up, the emptying of spans coming down, memory kept for
 * the next, larger batch. Pattern: the stack discipline of recursive programs (parsers, compilers'
 * passes); alloc in order, free in reverse. */
#include "workload.h"

enum { BATCH_LEAST = 10, BATCH_MOST = 100000, SWEEPS = 40 };

static void *block[BATCH_MOST];
static const size_t sizes[] = {16, 24, 32, 48, 64, 100, 128, 200, 256, 480};

static size_t bytes_of(size_t at, unsigned round)
{
    size_t few = round % COUNT_OF(sizes);
    return round % 3 == 0 ? sizes[few] : sizes[(at + few) % COUNT_OF(sizes)];
}

static uint64_t batch_up_and_down(size_t blocks, unsigned round)
{
    uint64_t sum = 0;
    for (size_t at = 0; at < blocks; at++) block[at] = block_new(bytes_of(at, round), round << 20 | (uint32_t)at);
    for (size_t at = blocks; at-- > 0;) sum += block_free(block[at]);
    return sum;
}

int main(int count, char **argument)
{
    uint64_t sum = 0;
    unsigned round = 0;
    workload_begin(count, argument, "growing batches freed in reverse", NULL);
    for (uint64_t sweep = scaled(SWEEPS); sweep > 0; sweep--)
        for (size_t blocks = BATCH_LEAST; blocks <= BATCH_MOST; blocks += blocks / 4 + 1)
            sum += batch_up_and_down(blocks, round++);
    return workload_end(sum);
}
