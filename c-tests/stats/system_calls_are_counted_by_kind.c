#include "stats.h"

int main(void)
{
    require_tinyalloc();
    free(hidden(malloc(100)));
    struct all_stats begin = all_stats();
    EXPECT(begin.mmap_calls >= 1);
    EXPECT(begin.mprotect_calls >= 1);
    for (int i = 0; i < 100000; i++) free(hidden(malloc(100)));
    struct all_stats still = all_stats();
    EXPECT(memcmp(&begin.mmap_calls, &still.mmap_calls, 6 * sizeof(size_t)) == 0);
    char *huge = malloc(200 * MIB);
    EXPECT(huge != NULL);
    EXPECT(all_stats().mmap_calls > begin.mmap_calls);
    huge = realloc(huge, 300 * MIB);
    EXPECT(huge != NULL);
    EXPECT(all_stats().mremap_calls == begin.mremap_calls + 1);
    size_t unmapped = all_stats().munmap_calls;
    free(huge);
    EXPECT(all_stats().munmap_calls == unmapped + 1);
    void *large = malloc(8 * MIB);
    EXPECT(large != NULL);
    memset(large, 1, 8 * MIB);
    free(large);
    malloc_trim(0);
    EXPECT(all_stats().madvise_calls > begin.madvise_calls);
}
