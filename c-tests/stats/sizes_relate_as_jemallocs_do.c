#include "stats.h"

static void expect_order(void)
{
    struct all_stats now = all_stats();
    EXPECT(now.first.allocated <= now.active);
    EXPECT(now.active % (size_t)sysconf(_SC_PAGESIZE) == 0);
    EXPECT(now.active <= now.mapped + (size_t)sysconf(_SC_PAGESIZE) * now.first.spans);
    EXPECT(now.active + now.resident_free + now.first.metadata == now.resident);
    EXPECT(now.resident <= now.first.committed + (size_t)sysconf(_SC_PAGESIZE) * now.first.spans);
    EXPECT(now.first.committed + now.retained == now.first.reserved);
}

int main(void)
{
    static void *block[3000];
    require_tinyalloc();
    expect_order();
    for (size_t i = 0; i < COUNT_OF(block); i++) {
        size_t bytes = i % 300 == 0 ? i * 400 : i * 3;
        block[i] = malloc(bytes);
        EXPECT(block[i] != NULL);
        memset(block[i], 1, bytes);
    }
    expect_order();
    struct all_stats high = all_stats();
    void *huge = malloc(100 * MIB);
    EXPECT(huge != NULL);
    EXPECT(all_stats().huge >= high.huge + 100 * MIB);
    EXPECT(all_stats().active >= high.active + 100 * MIB);
    expect_order();
    free(huge);
    EXPECT(all_stats().huge == high.huge);
    for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
    expect_order();
    malloc_trim(0);
    expect_order();
    EXPECT(all_stats().resident < high.resident);
    EXPECT(all_stats().resident_free <= MIB);
}
