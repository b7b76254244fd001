#include "control.h"

int main(void)
{
    static const char *const names[] = {
        "", ".", "stats", "stats.", ".stats", "stats..allocated", "stats.allocated.", "Stats.allocated", "stats.arenas",
        "stats.arenas.0", "stats.arenas.1.pactive", "stats.arenas.-1.pactive", "stats.arenas.x.pactive",
        "stats.arenas.4097.pactive", "stats.arenas.0.bins.72.curregs", "arenas.bin.72.size",
        "arenas.bin.99999999999999999999.size", "arena.7.purge", "arena..purge", "arenas.bin..size",
        /* What is refused: docs/JEMALLOC.md says why. */
        "thread.allocated", "thread.allocatedp", "thread.deallocated", "thread.deallocatedp", "thread.prof.name",
        "thread.peak.read", "arena.0.extent_hooks", "arena.0.retain_grow_limit", "stats.arenas.0.small.nmalloc",
        "stats.arenas.0.nthreads", "stats.arenas.0.bins.0.nonfull_slabs", "stats.mutexes.ctl.num_ops",
        "prof.gdump", "opt.junk", "opt.xmalloc", "stats.zero_reallocs", "stats.background_thread.num_runs", "experimental.hooks.install"};
    for (size_t at = 0; at < COUNT_OF(names); at++) {
        size_t value[2] = {1, 2}, bytes = sizeof value[0];
        EXPECT(mallctl(names[at], &value[0], &bytes, NULL, 0) == ENOENT);
        EXPECT(value[0] == 1 && bytes == sizeof value[0]);
    }
    /* A MIB that no name has. */
    size_t mib[8], words = 8, value = 0, bytes = sizeof value;
    EXPECT(mallctlnametomib("arenas.bin.0.size", mib, &words) == 0 && words == 4);
    EXPECT(mallctlbymib(mib, words, &value, &bytes, NULL, 0) == 0 && value == 16);
    EXPECT(mallctlbymib(mib, 3, &value, &bytes, NULL, 0) == ENOENT);
    EXPECT(mallctlbymib(mib, 0, &value, &bytes, NULL, 0) == ENOENT);
    mib[2] = 72;
    EXPECT(mallctlbymib(mib, words, &value, &bytes, NULL, 0) == ENOENT);
    mib[2] = 0;
    mib[1]++;
    EXPECT(mallctlbymib(mib, words, &value, &bytes, NULL, 0) == ENOENT);
    mib[1]--;
    mib[3] = SIZE_MAX;
    EXPECT(mallctlbymib(mib, words, &value, &bytes, NULL, 0) == ENOENT);
    /* As many words as there is room for. */
    size_t fewer = 2;
    EXPECT(mallctlnametomib("arenas.bin.0.size", mib, &fewer) == 0 && fewer == 2);
    words = 8;
    EXPECT(mallctlnametomib("arenas.bin.72.size", mib, &words) == ENOENT);
    return 0;
}
