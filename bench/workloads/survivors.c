/* A cache is filled, loses nineteen in twenty of its entries, and is filled again; in the end the
 * survivors stay. Stresses: free pages between live blocks: decommitted, and found again by the
 * next fill. Pattern: caches that expire; redis#2860, mimalloc#878. */
#include "workload.h"

enum { ENTRIES = 30000, KEPT_IN = 20, ROUNDS = 40, LEAST = 512, MOST = 2048 };

static void *entry[ENTRIES];
static struct random random_state = {20};
static uint32_t serial;
static uint64_t checksum;

static void fill_up(void)
{
    for (unsigned at = 0; at < ENTRIES; at++)
        if (!entry[at]) entry[at] = block_new(random_between(&random_state, LEAST, MOST), serial++);
}

static void expire(void)
{
    for (unsigned at = 0; at < ENTRIES; at++) {
        if (random_below(&random_state, KEPT_IN) == 0) continue;
        checksum += block_free(entry[at]);
        entry[at] = NULL;
    }
}

int main(int count, char **argument)
{
    workload_begin(count, argument, "a cache of which one entry in twenty stays", NULL);
    for (uint64_t left = scaled(ROUNDS); left > 0; left--) {
        fill_up();
        expire();
    }
    for (unsigned at = 0; at < ENTRIES; at++)
        if (entry[at]) checksum += block_read(entry[at]);
    return workload_end(checksum);
}
