/* Bursts of small objects of which one in a hundred outlives its burst, then a burst of larger
 * ones. Stresses: spans that survivors pin, whose pages the next size wants. Pattern: servers under
 * load by turns; gperftools#1132, tcmalloc#211. */
#include "workload.h"

enum { BURSTS = 5, ROUNDS = 2, OBJECTS = 300000, SURVIVORS = 3000, LEAST = 16, MOST = 415, LATER = 150000, LATER_BYTES = 700 };

static void *object[OBJECTS], *survivor[SURVIVORS];
static struct random random_state = {8};
static uint32_t serial;
static uint64_t checksum;

static void drop(void **place)
{
    if (*place) checksum += block_free(*place);
    *place = NULL;
}

static void keep_some(void)
{
    for (unsigned at = 0; at < SURVIVORS; at++) {
        void **chosen = &object[random_below(&random_state, OBJECTS)];
        if (!*chosen) continue;
        drop(&survivor[at]);
        survivor[at] = *chosen;
        *chosen = NULL;
    }
}

static void burst(void)
{
    for (unsigned at = 0; at < OBJECTS; at++)
        object[at] = block_new(random_between(&random_state, LEAST, MOST), serial++);
    keep_some();
    for (unsigned at = 0; at < OBJECTS; at++) drop(&object[at]);
}

static void later_burst(void)
{
    for (unsigned at = 0; at < LATER; at++) object[at] = block_new(LATER_BYTES, serial++);
    for (unsigned at = 0; at < LATER; at++) drop(&object[at]);
}

int main(int count, char **argument)
{
    workload_begin(count, argument, "bursts that leave survivors, then a burst of another size", NULL);
    for (uint64_t round = scaled(ROUNDS); round > 0; round--) {
        for (unsigned at = 0; at < BURSTS; at++) burst();
        give_back();
        later_burst();
    }
    for (unsigned at = 0; at < SURVIVORS; at++)
        if (survivor[at]) checksum += block_read(survivor[at]);
    return workload_end(checksum);
}
