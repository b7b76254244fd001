/* N live blocks, then a fixed number of random replacements. Stresses: whether the cost of one
 * operation depends on how many blocks are live. Pattern: the scaling question itself. The
 * program's own cache misses grow with N too: --window bounds them by replacing within a window
 * that jumps now and then, so that what still grows is the allocator's. */
#include "workload.h"

enum { LIVE_MAX = 10000000, REPLACEMENTS = 12000000, LEAST = 16, MOST = 112, TURNOVERS_PER_JUMP = 64 };

static void *block[LIVE_MAX];
static uint64_t live = 100000, window, with_timing;

static void replace_all(uint64_t replacements, struct random *random, uint64_t *checksum)
{
    uint64_t width = window && window < live ? window : live, start = 0, sum = 0;
    for (uint64_t done = 0; done < replacements; done++) {
        if (done % (width * TURNOVERS_PER_JUMP) == 0) start = random_below(random, (uint32_t)(live - width + 1));
        size_t at = start + random_below(random, (uint32_t)width);
        sum += block_free(block[at]);
        block[at] = block_new(random_between(random, LEAST, MOST), (uint32_t)done);
    }
    *checksum += sum;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {
        {"--live", &live, LIVE_MAX, "live blocks"},
        {"--window", &window, LIVE_MAX, "replace within a jumping window of so many blocks (0: all)"},
        {"--timing", &with_timing, 0, "print operation-ns after the checksum"},
        {0},
    };
    struct random random = {20};
    uint64_t checksum = 0, replacements;
    workload_begin(count, argument, "random replacements among N live blocks", settings);
    if (live == 0) DIE("--live wants at least 1\n");
    replacements = scaled(REPLACEMENTS);
    for (size_t at = 0; at < live; at++) block[at] = block_new(random_between(&random, LEAST, MOST), (uint32_t)at);
    double begin = seconds_now();
    replace_all(replacements, &random, &checksum);
    double seconds = seconds_now() - begin;
    for (size_t at = 0; at < live; at++) checksum += block_free(block[at]);
    int status = workload_end(checksum);
    if (with_timing) say(STDOUT_FILENO, "operation-ns %.2f\n", seconds * 1e9 / (double)replacements);
    return status;
}
