#include "control.h"

int main(void)
{
    uint64_t first = new_epoch();
    size_t before = read_size("stats.allocated");
    void *block = malloc(10 << 20);
    EXPECT(read_size("stats.allocated") == before);
    EXPECT(new_epoch() == first + 1);
    EXPECT(read_size("stats.allocated") >= before + (10 << 20));
    EXPECT(read_size("stats.active") >= read_size("stats.allocated"));
    EXPECT(read_size("stats.resident") >= read_size("stats.active"));
    EXPECT(read_size("stats.mapped") >= read_size("stats.active"));
    EXPECT(read_size("stats.metadata") > 0);
    EXPECT(read_size("stats.arenas.0.pactive") * read_size("arenas.page") >= 10 << 20);
    EXPECT(read_size("stats.arenas.4096.large.allocated") >= 10 << 20);
    EXPECT(read_size("stats.arenas.4096.mapped") == read_size("stats.mapped"));
    free(block);
    /* Two hundred blocks of one size are counted where they are. */
    size_t bin = 0;
    while (bin < read_unsigned("arenas.nbins")) {
        char name[64];
        snprintf(name, sizeof name, "arenas.bin.%zu.size", bin);
        if (read_size(name) == 208)
            break;
        bin++;
    }
    for (int count = 0; count < 200; count++)
        EXPECT(malloc(200) != NULL);
    new_epoch();
    size_t mib[6], words = 6, live = 0, slabs = 0, bytes = sizeof live;
    EXPECT(mallctlnametomib("stats.arenas.0.bins.0.curregs", mib, &words) == 0 && words == 6);
    mib[2] = MALLCTL_ARENAS_ALL;
    mib[4] = bin;
    EXPECT(mallctlbymib(mib, words, &live, &bytes, NULL, 0) == 0);
    EXPECT(live >= 200 && live < 400);
    words = 6;
    EXPECT(mallctlnametomib("stats.arenas.0.bins.0.curslabs", mib, &words) == 0);
    mib[4] = bin;
    EXPECT(mallctlbymib(mib, words, &slabs, &bytes, NULL, 0) == 0);
    char name[64];
    snprintf(name, sizeof name, "arenas.bin.%zu.nregs", bin);
    EXPECT(slabs * read_unsigned(name) >= live);
    return 0;
}
