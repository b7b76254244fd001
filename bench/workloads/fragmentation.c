/* A long run in phases: each frees a random 90 % of the blocks and allocates others of another size
 * distribution. Stresses: spans that survivors pin, memory of one size class wanted by another, the
 * footprint over time. Pattern: the phase shifts that Wilson, Johnstone, Neely & Boles 1995 name as
 * what fragments real heaps. */
#include "workload.h"

enum { PHASES = 24, CHURN_PER_PHASE = 40000, SURVIVORS_PERCENT = 10, LEAST = 16, BLOCKS_MAX = 1500000 };

static const size_t live_bytes_max = 40 * MIB;
static const size_t typical_bytes[] = {40, 700, 120, 3000, 64, 300, 9000, 24, 1500, 200, 30000, 90};
static void *block[BLOCKS_MAX];
static size_t blocks, live_bytes;
static struct random random_state = {13};
static uint32_t serial;
static uint64_t checksum;

static void add(size_t typical)
{
    size_t bytes = random_between(&random_state, LEAST, 2 * typical);
    block[blocks++] = block_new(bytes, serial++);
    live_bytes += bytes;
}

static void drop(size_t at)
{
    live_bytes -= block_bytes(block[at]);
    checksum += block_free(block[at]);
    block[at] = block[--blocks];
}

static void drop_most(void)
{
    size_t kept = 0;
    for (size_t at = 0; at < blocks; at++) {
        if (random_below(&random_state, 100) < SURVIVORS_PERCENT) {
            block[kept++] = block[at];
            continue;
        }
        live_bytes -= block_bytes(block[at]);
        checksum += block_free(block[at]);
    }
    blocks = kept;
}

static void phase(size_t typical)
{
    while (live_bytes < live_bytes_max && blocks < BLOCKS_MAX) add(typical);
    for (unsigned left = CHURN_PER_PHASE; left > 0; left--) {
        drop(random_below(&random_state, (uint32_t)blocks));
        while (live_bytes + 2 * typical < live_bytes_max && blocks < BLOCKS_MAX) add(typical);
    }
    drop_most();
}

int main(int count, char **argument)
{
    workload_begin(count, argument, "shifting sizes with survivors of each phase", NULL);
    for (uint64_t at = 0; at < scaled(PHASES); at++) phase(typical_bytes[at % COUNT_OF(typical_bytes)]);
    while (blocks) drop(blocks - 1);
    return workload_end(checksum);
}
