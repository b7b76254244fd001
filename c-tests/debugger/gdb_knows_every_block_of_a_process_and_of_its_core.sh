# The script reads the library as it is shipped, without debug information, in a process that stopped and in a core dump of it.
. "$C_TESTS/debugger/gdb.bash"
cat > program.c <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tinyalloc.h>
enum { SLOTS = 3000, LARGE = 8, REMOTE = 50, LENT = 40 };
char *slot[SLOTS], *large[LARGE], *huge, *named, *named_large, *never, *empty, *gone_empty;
int slot_is_live[SLOTS], slot_bytes[SLOTS], large_is_live[LARGE];
ta_heap_t *heap;
struct ta_stats now;
static void *free_some(void *ignored)
{
    for (int i = 0; i < REMOTE; i++) free(slot[i]), slot_is_live[i] = 0;
    return ignored;
}
void stop(void) {}
int checks; /* whether slots wait, or some blocks are guarded */
int main(int count, char **argument)
{
    ta_heap_options_t options = {.size = sizeof options, .name = "session"};
    static const int SIZES[] = {16, 24, 100, 112, 129, 300, 1000, 5000, 20000};
    pthread_t thread;
    checks = count > 1 && argument != NULL;
    heap = ta_heap_create(&options);
    for (int i = 0; i < SLOTS; i++) {
        slot_bytes[i] = SIZES[i % 9];
        slot[i] = malloc(slot_bytes[i]);
        slot_is_live[i] = 1;
        memset(slot[i], i, slot_bytes[i]);
    }
    for (int i = REMOTE; i < SLOTS; i++)
        if (i % 3 == 0 || (i > 1000 && i < 1400)) free(slot[i]), slot_is_live[i] = 0;
    /* Full spans, freed into by turns, lend their slots. */
    for (int round = 0; round < 20; round++)
        for (int i = 2000; i < 2000 + LENT; i++)
            if (slot_is_live[i]) free(slot[i]), slot[i] = malloc(slot_bytes[i]);
    for (int i = 0; i < LARGE; i++) large[i] = malloc(50000 + i * 70000), memset(large[i], i, 50000), large_is_live[i] = 1;
    for (int i = 0; i < LARGE; i += 3) free(large[i]), large_is_live[i] = 0;
    huge = malloc(40 << 20);
    named = ta_heap_malloc(heap, 100);
    named_large = ta_heap_malloc(heap, 100000);
    empty = malloc(0);
    gone_empty = malloc(0);
    free(gone_empty);
    pthread_create(&thread, NULL, free_some, NULL);
    pthread_join(thread, NULL);
    never = (char *)&now;
    ta_stats(&now, sizeof now);
    stop();
    return 0;
}
END
cat > check.py <<'END'
import gdb, re
gdb.execute('set python print-stack full')
FREED = re.compile('free slot|freed slot|free memory|freed guarded| inside')
def value(text): return int(gdb.parse_and_eval(text))
def info(text): return gdb.execute("tinyalloc info " + text, to_string=True)
def expect(condition, *said):
    if not condition: raise gdb.GdbError("wrong: " + " ".join(map(str, said)))
blocks = {}
for line in gdb.execute("tinyalloc blocks --limit 0", to_string=True).splitlines():
    address, size, kind, heap = line.split(" ", 3)
    blocks[int(address, 16)] = (int(size), kind, heap)
listed = set(blocks)
def array(name, form): return memoryview(bytes(gdb.selected_inferior().read_memory(value("&" + name), value("sizeof " + name)))).cast(form).tolist()
slot_bytes, slots = array("slot_bytes", "i"), list(zip(array("slot", "Q"), array("slot_is_live", "i")))
others = 0
taken = {at for at, live in slots if live}
for i, (at, live) in enumerate(slots):
    if not live and at in taken: continue # by another one, later
    wanted = slot_bytes[i]
    others += at in blocks and not live
    expect(at in blocks or not live, "slot", i, hex(at))
    if live: expect(wanted <= blocks[at][0] <= max(wanted * 9 // 8 + 16, 48) and blocks[at][2] == "the global heap", i, blocks[at])
    # A span without a live slot may go back, or be cut into others.
    said = info(hex(at)) if i < 200 else "free slot" if not live else "live block"
    expect("live block" in said or "live guarded" in said if live else at in blocks or FREED.search(said), said)
# What the C library and threads need may lie where a block was; how many live is compared below.
expect(others < 5, others)
for i in range(8):
    at, live = value("large[%d]" % i), value("large_is_live[%d]" % i)
    if not live and at in blocks: continue
    expect((at in blocks) == bool(live), "large", i)
    if live: expect(blocks[at][1] == "large" and "live large block" in info(hex(at + 40000)) and "40,000 bytes inside" in info(hex(at + 40000)), i)
    else: expect("free memory" in info(hex(at)) or "freed large block" in info(hex(at)), info(hex(at)))
expect(blocks[value("huge")][:2] == (40 << 20, "huge") and "live huge block" in info("huge + 12345678"), "huge")
expect(blocks[value("named")][2] == 'heap "session"' and 'heap "session"' in info("named"), info("named"))
expect(blocks[value("named_large")][2] == 'heap "session"' and 'heap "session"' in info("named_large + 5"), info("named_large"))
expect("not on this heap" in info("never") and "not on this heap" in info("0"), "never")
expect("live zero-size" in info("empty") and "no zero-size" in info("gone_empty"), info("empty"))
live = next(i for i in range(600) if slots[i][1] and slot_bytes[i] == 100)
unguarded = "guarded" not in info("slot[%d]" % live)
expect(not unguarded or "7 bytes inside" in info("slot[%d] + 7" % live), info("slot[%d] + 7" % live))
expect(value("checks") or "another thread" in info("slot[0]"), info("slot[0]"))
owner = "thread heap 0x[0-9a-f]+, of (thread |the blocks that the heap profile samples)"
expect(not unguarded or re.search(owner, info("slot[%d]" % live)), info("slot[%d]" % live))
# The totals are those of the library's own statistics, but for what another thread freed.
text = gdb.execute("tinyalloc heap", to_string=True)
def number(pattern): return int(re.search(pattern, text)[1].replace(",", ""))
expect(number(r"slots: ([\d,]+) live") == sum(kind.isdigit() for _, kind, _ in blocks.values()), text)
expect(number(r"guarded blocks: ([\d,]+) live") == sum(kind == "guarded" for _, kind, _ in blocks.values()), text)
expect(number(r"zero-size blocks: ([\d,]+) live") == sum(kind == "zero-size" for _, kind, _ in blocks.values()) == 1, text)
if not value("checks"):
    expect(number(r"slots: ([\d,]+) live") == value("now.live_slots") - 50, text, value("now.live_slots"))
    expect(number(r"live \([\d,]+ bytes\), ([\d,]+) free, in") == value("now.free_slots") + 50, text, value("now.free_slots"))
# The slots for signal handlers are a span, too; large blocks that threads keep, and live ones, as well.
expect(number(r"in ([\d,]+) spans?\n") <= value("now.spans"), text, value("now.spans"))
expect(number(r"large blocks: ([\d,]+) live") == value("now.large_blocks") == sum(kind == "large" for _, kind, _ in blocks.values()), text)
expect(number(r"huge blocks: ([\d,]+) live") == value("now.huge_blocks") == 1, text)
expect(number(r"free memory: ([\d,]+) bytes") == value("now.resident_free"), text, value("now.resident_free"))
expect('isolated heaps: 1 (heap "session")' in text, text)
only = gdb.execute("tinyalloc blocks --class %s --limit 3" % blocks[value("slot[%d]" % live)][1], to_string=True).splitlines()
expect(len(only) == 4 and all(int(line.split()[0], 16) in listed for line in only[:3]) and "more" in only[3], only)
print("blocks:", len(blocks))
print(text)
END
linked program
answers() { sed -n '/^blocks:/,/^isolated heaps:/p' "$1"; }
gdb_of program -ex "break stop" -ex run -x "$SCRIPT" -x check.py -ex "generate-core-file $PWD/core" > live.log
answers live.log > live
[ -s live ] && [ -s core ] || fail live.log
gdb_of program core -x "$SCRIPT" -x check.py > dead.log
answers dead.log | diff live - || fail dead.log
# Where freed slots wait, where some blocks are guarded, with many small regions, and where some blocks are sampled.
for options in hardened=on guard=5 region_size=1M profile=2K,profile_at_exit=off; do
    arguments=$([ $options = region_size=1M ] || echo checked)
    gdb_of program -ex "set environment TINYALLOC_OPTIONS $options" -ex "set args $arguments" -ex "break stop" -ex run -x "$SCRIPT" -x check.py > live.log
    [ -n "$(answers live.log)" ] || { echo "$options"; fail live.log; }
done
# In the archive, which the program contains.
$CC -g -O0 -fno-builtin -I"$C_TESTS/../include" program.c -o program "$LIB_A" -pthread || exit 1
gdb_of program -ex "break stop" -ex run -x "$SCRIPT" -x check.py > live.log
[ -n "$(answers live.log)" ] || fail live.log
