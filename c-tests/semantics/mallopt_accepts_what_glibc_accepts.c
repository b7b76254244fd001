#include "expect.h"

int main(void)
{
    EXPECT(mallopt(M_MMAP_THRESHOLD, 128 * 1024) == 1);
    EXPECT(mallopt(M_TRIM_THRESHOLD, 128 * 1024) == 1);
    EXPECT(mallopt(M_ARENA_MAX, 1) == 1);
    EXPECT(mallopt(M_TOP_PAD, 64 * 1024) == 1);
    void *block = malloc(100);
    EXPECT(block != NULL);
    free(block);
}
