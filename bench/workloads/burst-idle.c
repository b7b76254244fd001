/* A burst of allocation, everything freed, idleness; then the same again. Stresses: commit under a
 * burst, decommit when idle, commit again; what stays resident between bursts. Pattern: servers and
 * editors after a peak; the "RSS never goes down" reports of every allocator's users. */
#include "workload.h"

enum { BURSTS = 3, LISTS = 64, SMALL_MOST = 1024, MEDIUM_MOST = 32 * 1024, MEDIUM_IN = 32, LEAST = 24 };

static const size_t large_least = MIB, large_most = 16 * MIB;
static uint64_t burst_mib = 256, with_large;
static struct random random_state = {14};
static uint32_t serial;

/* The blocks are their own lists: a table of pointers would be resident too. */
static void *lists[LISTS];

static size_t next_bytes(void)
{
    if (with_large) return random_between(&random_state, large_least, large_most);
    bool medium = random_below(&random_state, MEDIUM_IN) == 0;
    return medium ? random_between(&random_state, SMALL_MOST, MEDIUM_MOST)
                  : random_falloff(&random_state, LEAST, SMALL_MOST);
}

static void burst(size_t bytes_wanted)
{
    for (size_t live = 0; live < bytes_wanted;) {
        size_t bytes = next_bytes();
        void *block = block_new(bytes, serial++);
        block_touch(block, bytes);
        void **list = &lists[random_below(&random_state, LISTS)];
        memcpy((char *)block + TAG_BYTES, list, sizeof *list);
        *list = block;
        live += bytes;
    }
}

static uint64_t free_all(void)
{
    uint64_t sum = 0;
    for (size_t at = 0; at < LISTS; at++)
        for (void *block = lists[at], *next; block; block = next) {
            memcpy(&next, (char *)block + TAG_BYTES, sizeof next);
            sum += block_touched(block, block_bytes(block)) + block_free(block);
            lists[at] = next;
        }
    return sum;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {
        {"--burst-mib", &burst_mib, 64 * 1024, "MiB allocated in each burst, before --scale"},
        {"--large", &with_large, 0, "blocks of 1 to 16 MiB instead of small and medium ones"},
        {0},
    };
    uint64_t sum = 0;
    workload_begin(count, argument, "burst, free all, idle, and again", settings);
    for (unsigned left = BURSTS; left > 0; left--) {
        burst(burst_mib * MIB / 100 * scale_percent);
        sum += free_all();
        if (left > 1) idle();
    }
    return workload_end(sum);
}
