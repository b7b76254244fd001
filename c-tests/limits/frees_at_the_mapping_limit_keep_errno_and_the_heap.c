/* glibc's tst-free-errno: with vm.max_map_count mappings, munmap in the middle of one fails. */
#include "hard_times.h"

enum { MAPPINGS_MAX = 200000, BLOCKS = 64 };

int main(void)
{
    static void *block[BLOCKS];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc((size_t)(i + 1) * MIB);
        EXPECT(block[i] != NULL);
        *(char *)block[i] = 1;
    }
    char *area = mmap(NULL, (size_t)MAPPINGS_MAX * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT(area != MAP_FAILED);
    int split = 0;
    while (split < MAPPINGS_MAX / 2 && mprotect(area + (size_t)(2 * split + 1) * page, page, PROT_READ) == 0) split++;
    if (split == MAPPINGS_MAX / 2) skip("vm.max_map_count is too high");
    for (int i = 0; i < BLOCKS; i++) {
        errno = ERRNO_UNTOUCHED;
        free(block[i]);
        EXPECT(errno == ERRNO_UNTOUCHED);
    }
    malloc_trim(0);
    hard_times();
    EXPECT(munmap(area, (size_t)MAPPINGS_MAX * page) == 0);
    EXPECT(hard_times() == 0);
}
