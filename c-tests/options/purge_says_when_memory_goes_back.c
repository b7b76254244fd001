#include "options.h"

enum { BLOCKS = 64, BLOCK_BYTES = 300000 };

static void burst(void)
{
    void *block[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(BLOCK_BYTES);
        EXPECT(block[i] != NULL);
        memset(block[i], 1, BLOCK_BYTES);
    }
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
}

static int check(const char *mode)
{
    struct ta_stats begin = stats();
    burst();
    if (strcmp(mode, "eager") == 0) {
        EXPECT(stats().purged_bytes >= begin.purged_bytes + (size_t)BLOCKS * BLOCK_BYTES);
        EXPECT(stats().committed <= begin.committed + MIB);
        return 0;
    }
    usleep(50000);
    for (int i = 0; i < 10000; i++) free(hidden(malloc((size_t)i * 10)));
    EXPECT(stats().purges == begin.purges);
    EXPECT(stats().committed >= begin.committed + (size_t)BLOCKS * BLOCK_BYTES);
    int (*purge)(void) = (int (*)(void))need("ta_purge");
    EXPECT(purge() == 1);
    EXPECT(stats().committed <= begin.committed + 2 * MIB);
    EXPECT(purge() == 0);
    return 0;
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    if (arguments > 1) return check(argument[1]);
    struct run run = run_with("purge=eager", "eager");
    EXPECT(succeeded(&run));
    run = run_with("purge=never,purge_delay=0", "never");
    EXPECT(succeeded(&run));
    EXPECT(option_set("purge", "never") == 0);
    check("never");
    EXPECT(option_set("purge", "eager") == 0);
    check("eager");
}
