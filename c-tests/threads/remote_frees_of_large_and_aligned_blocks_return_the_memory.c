#include "expect.h"

static void *release(void *block)
{
    free(block);
    return NULL;
}

int main(void)
{
    static const size_t SIZES[] = {40 * KIB, 300 * KIB, 3 * MIB, 40 * MIB};
    for (int round = 0; round < 100; round++)
        for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
            char *block = round % 2 ? malloc(SIZES[i]) : memalign(65536, SIZES[i]);
            EXPECT(block != NULL);
            block[0] = block[SIZES[i] - 1] = 1;
            run_in_thread(release, block);
        }
    malloc_trim(0);
    EXPECT(resident_bytes() < 32 * MIB);
    EXPECT(mallinfo2().uordblks + mallinfo2().hblkhd < 32 * MIB);
}
