#include "expect.h"
#include <glob.h>

enum { ROUNDS = 200, BLOCKS = 2000 };

static void *only_frees(void *blocks)
{
    for (int i = 0; i < BLOCKS; i++) free(((void **)blocks)[i]);
    return NULL;
}

/* A thread that the kernel moves to another node takes memory there, beside what it has. */
static size_t nodes(void)
{
    glob_t found;
    size_t count = glob("/sys/devices/system/node/node[0-9]*", 0, NULL, &found) == 0 ? found.gl_pathc : 1;
    globfree(&found);
    return count;
}

int main(void)
{
    static void *block[BLOCKS];
    size_t resident = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            block[i] = malloc((size_t)(i % 50) * 20 + 1);
            EXPECT(block[i] != NULL);
            *(char *)block[i] = 1;
        }
        run_in_thread(only_frees, block);
        if (round == ROUNDS / 4) resident = resident_bytes();
    }
    EXPECT(resident_bytes() <= resident + 2 * MIB * nodes());
}
