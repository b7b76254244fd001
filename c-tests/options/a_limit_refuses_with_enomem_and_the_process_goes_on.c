#include "../stats/stats.h"
#include "options.h"

static void fill_up(size_t block_bytes, size_t limit)
{
    enum { BLOCKS_MAX = 4096 };
    static void *block[BLOCKS_MAX];
    size_t blocks = 0;
    errno = 0;
    while (blocks < BLOCKS_MAX && (block[blocks] = malloc(block_bytes)) != NULL) blocks++;
    EXPECT(blocks < BLOCKS_MAX);
    EXPECT(errno == ENOMEM);
    EXPECT(blocks * block_bytes > limit / 4);
    EXPECT(all_stats().mapped <= limit);
    /* What is there can still be used and freed, and a freed block can be had again. */
    memset(block[0], 1, block_bytes);
    free(block[--blocks]);
    EXPECT((block[blocks] = malloc(block_bytes)) != NULL);
    EXPECT(realloc(block[blocks], limit) == NULL);
    for (size_t i = 0; i <= blocks; i++) free(block[i]);
}

static int check(size_t limit)
{
    static const size_t BYTES[] = {20000, 300000, 5 * MIB};
    for (size_t i = 0; i < COUNT_OF(BYTES); i++) fill_up(BYTES[i], limit);
    EXPECT_REFUSED(malloc(40 * MIB), ENOMEM);
    EXPECT_REFUSED(calloc(2, 20 * MIB), ENOMEM);
    EXPECT(option_set("limit", "0") == 0);
    void *block = malloc(40 * MIB);
    EXPECT(block != NULL);
    free(block);
    return 0;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return check(32 * MIB);
    struct run run = run_with("limit=32M", "check");
    EXPECT(succeeded(&run));
    EXPECT(option_set("limit", "32M") == 0);
    check(32 * MIB);
}
