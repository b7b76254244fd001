# JSON that dashboards read, in jemalloc's shape; text with its first and last line; parts that are left out.
cat > print.c << 'END'
#include "jemalloc/control.h"
static void append(void *context, const char *text)
{
    fputs(text, context);
}
static void message(void *context, const char *text)
{
    (void)context;
    fputs(text, stdout);
}
int main(int count, char **arguments)
{
    static void *kept[300];
    for (size_t at = 0; at < COUNT_OF(kept); at++)
        kept[at] = malloc(100);
    kept[0] = malloc(1 << 20);
    EXPECT(new_arena() == 1 && mallocx(50000, MALLOCX_ARENA(1)));
    if (count > 2)
        malloc_message = message;
    malloc_stats_print(count > 2 ? NULL : append, stdout, count > 1 ? arguments[1] : NULL);
    return 0;
}
END
$CC -O1 -fno-builtin -pthread -I"$C_TESTS" -I"$C_TESTS/../include" -o print print.c "$LIB_SO" "-Wl,-rpath,$(dirname "$LIB_SO")" || exit 1
./print > text && ./print J > json && ./print Jgmab > short && ./print Ja message > message && ./print gmab > brief || exit 1
[ "$(head -1 text)" = '___ Begin jemalloc statistics ___' ] && [ "$(tail -1 text)" = '--- End jemalloc statistics ---' ] || exit 1
grep -q '^  version: "5.3.0-0-tinyalloc-' text && grep -Eq '^Allocated: [0-9]+, active: [0-9]+, metadata: ' text || exit 1
grep -q '^Merged arenas stats:$' text && grep -q '^arenas\[1\]:$' text && [ "$(wc -l < brief)" -eq 4 ] || { cat brief; exit 1; }
python3 - << 'END'
import json
whole, short, message = (json.load(open(name))["jemalloc"] for name in ("json", "short", "message"))
assert list(whole) == ["version", "config", "opt", "arenas", "prof", "stats", "stats.arenas"], list(whole)
assert list(short) == ["version", "stats", "stats.arenas"] and short["stats.arenas"] == {}
assert list(message["stats.arenas"]) == ["merged"]
assert whole["config"]["prof"] is True and whole["opt"]["dss"] == "disabled" and whole["opt"]["narenas"] == 1
arenas, stats = whole["arenas"], whole["stats"]
assert arenas["narenas"] == 2 and len(arenas["bin"]) == arenas["nbins"] and arenas["bin"][0]["size"] == 16
assert all(row["slab_size"] >= row["size"] * row["nregs"] for row in arenas["bin"])
assert stats["active"] >= stats["allocated"] >= (1 << 20) + 300 * 100 and stats["background_thread"] == {"num_threads": 0}
merged, first, second = (whole["stats.arenas"][name] for name in ("merged", "0", "1"))
assert merged["small"]["allocated"] + merged["large"]["allocated"] == stats["allocated"]
size = next(at for at, row in enumerate(arenas["bin"]) if row["size"] == 112)
assert 299 <= merged["bins"][size]["curregs"] <= 500 and merged["bins"][size]["curslabs"] >= 1
assert second["large"]["allocated"] >= 50000 and second["small"]["allocated"] == 0
assert first["large"]["allocated"] + second["large"]["allocated"] == merged["large"]["allocated"]
END
