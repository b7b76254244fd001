# The process has ended, and the core dump tells which block it was.
. "$C_TESTS/debugger/gdb.bash"
cat > program.c <<'END'
#include <stdlib.h>
#include <string.h>
char *block, *neighbour, *interior;
int main(int count, char **argument)
{
    enum { BLOCKS = 100 };
    char *all[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) all[i] = malloc(200), memset(all[i], 1, 200);
    block = all[50], neighbour = all[51], interior = all[60] + 32;
    if (count > 1) free(interior);
    free(block);
    free(block);
}
END
cat > check.py <<'END'
import gdb
def info(text): return gdb.execute("tinyalloc info " + text, to_string=True)
answers = info("block") + info("neighbour") + info("interior")
print(answers)
freed = "free slot of 208 bytes" if gdb.parse_and_eval("count") == 1 else "live block of 208 bytes"
first, rest = answers.split("\n", 1)
print("right" if freed in first and "live block of 208 bytes" in rest and "32 bytes inside" in rest else "wrong")
END
linked program
gdb_of program -ex run -ex "generate-core-file $PWD/core" > run.log
grep -q 'tinyalloc: double free of' run.log && [ -s core ] || fail run.log
gdb_of program core -ex "frame function main" -x "$SCRIPT" -x check.py > dead.log
grep -q '^right$' dead.log || fail dead.log
# A program that is hardened, and one that freed the inside of a block.
gdb_of program -ex "set environment TINYALLOC_OPTIONS hardened=on" -ex run -ex "frame function main" -x "$SCRIPT" \
    -ex "tinyalloc info block" -ex "tinyalloc info neighbour" -ex "tinyalloc blocks --limit 3" > hardened.log
grep -q 'freed slot of .*quarantine' hardened.log && grep -q 'live block of' hardened.log || fail hardened.log
gdb_of program -ex "set args inside" -ex run -ex "frame function main" -x "$SCRIPT" -x check.py > inside.log
grep -q '^right$' inside.log || fail inside.log
