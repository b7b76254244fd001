/* Buffers of 5 to 25 MiB that come and go: without a cache each costs its page faults again. */
#include "expect.h"

enum { ROUNDS = 2000 };

int main(void)
{
    struct rusage before, after;
    size_t resident = resident_bytes();
    char *kept[4] = {NULL};
    getrusage(RUSAGE_SELF, &before);
    for (unsigned i = 0; i < ROUNDS; i++) {
        free(kept[i % 4]);
        size_t bytes = (5 + i * 7 % 20) * MIB;
        kept[i % 4] = malloc(bytes);
        EXPECT(kept[i % 4] != NULL);
        for (size_t at = 0; at < MIB; at += 4096) kept[i % 4][at] = 1;
    }
    getrusage(RUSAGE_SELF, &after);
    for (int i = 0; i < 4; i++) free(kept[i]);
    malloc_trim(0);
    EXPECT(resident_bytes() <= resident + 8 * MIB);
    if (on_tinyalloc()) EXPECT(after.ru_minflt - before.ru_minflt < ROUNDS * 256 / 2);
}
