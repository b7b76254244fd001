# Of each block that the heap profile has sampled, in a process that stopped and in a core dump of it.
. "$C_TESTS/debugger/gdb.bash"
cat > program.c <<'PROGRAM'
#include <pthread.h>
#include <stdlib.h>
#include <tinyalloc.h>
enum { SMALL = 300, LARGE = 20 };
void *small[SMALL], *large[LARGE];
__attribute__((noinline)) static void *make_small(void) { return aligned_alloc(64, 1000); }
static inline __attribute__((always_inline)) void *make_inlined(void) { return malloc(300000); }
__attribute__((noinline)) static void *make_large(void) { return make_inlined(); }
static void *allocate(void *ignored)
{
    for (int i = 0; i < SMALL; i++) small[i] = make_small();
    return ignored;
}
void stop(void) {}
int main(void)
{
    pthread_t thread;
    if (ta_option_set("profile", "64K") != 0) return 1;
    for (int i = 0; i < LARGE; i++) large[i] = make_large();
    pthread_create(&thread, NULL, allocate, NULL);
    pthread_join(thread, NULL);
    for (int i = 0; i < SMALL; i += 2) free(small[i]);
    for (int i = 0; i < LARGE; i += 2) free(large[i]);
    if (ta_profile_dump("program.heap") != 0) return 2;
    stop();
    return 0;
}
PROGRAM
cat > check.py <<'PYTHON'
import gdb, re
gdb.execute("set python print-stack full")
def expect(condition, *said):
    if not condition: raise gdb.GdbError("wrong: " + " ".join(map(str, said)))
def info(text): return gdb.execute("tinyalloc info " + text, to_string=True)
is_live = gdb.selected_inferior().connection.type == "native"
time = r"\d+\.\d seconds ago" if is_live else r"[\d,]+\.\d seconds after the system's start"
count = 0
for name, blocks in ("small", 300), ("large", 20):
    for i in range(blocks):
        said = info(f"{name}[{i}]") if name == "small" else info(f"{name}[{i}] + 100000")
        expect(("live" in said.splitlines()[0]) == (i % 2 == 1) or name == "large", said)
        if "sampled:" not in said: continue
        expect(i % 2 == 1, "a freed block", said)
        count += 1
        lines = [line.strip() for line in said.splitlines()]
        at = next(number for number, line in enumerate(lines) if line.startswith("sampled:"))
        expect(re.fullmatch(rf"allocated {time} by thread .*, called by", lines[at + 1]), said)
        if name == "small":
            expect("1,000 bytes were asked for, aligned to 64;" in lines[at] and re.search(r"represents 66,0\d\d bytes", lines[at]), said)
            expect(re.fullmatch(r"make_small at .*program.c:6", lines[at + 2]), said)
            expect(re.fullmatch(r"allocate at .*program.c:11", lines[at + 3]), said)
        else:
            expect("300,000 bytes were asked for;" in lines[at], said)
            expect(re.fullmatch(r"make_inlined, inlined in make_large at .*program.c:7", lines[at + 2]), said)
            expect(re.fullmatch(r"main at .*program.c:19", lines[at + 3]), said)
            expect("by thread 1 " in lines[at + 1] or not is_live, said)
truth = re.match(r"heap profile: (\d+):", open("program.heap").readline())[1]
said = gdb.execute("tinyalloc heap", to_string=True)
expect(f"heap profile: {truth} of the live blocks are sampled" in said, said)
expect(5 < count <= int(truth) <= count + 3, count, truth)
print("right")
PYTHON
linked program
gdb_of program -x "$SCRIPT" -ex "break stop" -ex run -x check.py -ex "generate-core-file $PWD/core" > live.log
grep -q '^right$' live.log || fail live.log
gdb_of program core -x "$SCRIPT" -x check.py > core.log
grep -q '^right$' core.log || fail core.log
# Without debug information there are symbols.
strip --strip-debug program
gdb_of program core -x "$SCRIPT" -ex "python print(''.join(gdb.execute('tinyalloc info ((void **)&large)[%d]' % i, to_string=True) for i in range(1, 20, 2)))" \
    > bare.log
grep -q '^    make_large + [0-9]* in .*/program$\|^    make_large + [0-9]*$' bare.log || fail bare.log
