# Tools that write a running program's memory to a file (gcore, checkpointers) read its mappings in large pieces, and give a whole mapping up at
# a page that cannot be read in the middle of one. They write out what is only reserved, too. And the kernel's own core dumps.
command -v gdb > /dev/null || exit 77
cat > program.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#define COUNT 600
char *block[COUNT];
int main(int arguments, char **argument)
{
    char *gone[COUNT];
    for (int i = 0; i < COUNT; i++) {
        block[i] = malloc(i % 2 ? 200 : 50000);
        sprintf(block[i], "block %d is here", i);
        gone[i] = malloc(60000 + i * 100); // a buffer for a moment
        memset(gone[i], 1, 60000);
    }
    for (int i = 0; i < COUNT; i++)
        if (i % 20 == 0) free(gone[i]);
    free(malloc(0));
    struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    if (arguments > 1 && setrlimit(RLIMIT_CORE, &all) == 0) abort();
    puts("ready");
    fflush(stdout);
    sleep(60);
}
END
cat > check.py <<'END'
import gdb
texts = [gdb.parse_and_eval("block[%d]" % i).string() for i in range(600)]
print("wrong:", sum(text != "block %d is here" % i for i, text in enumerate(texts)))
END
$CC -g -O0 -o program program.c || exit 1

holds_all() { gdb -batch -nx ./program "$1" -x check.py 2> /dev/null | grep -q '^wrong: 0$' || { echo "$1 lacks blocks"; exit 1; }; }

LD_PRELOAD="$LIB_SO" ./program > out &
program=$!
for _ in $(seq 100); do grep -q ready out && break; sleep 0.05; done
(ulimit -f 1000000; timeout 40 gdb -batch -nx -p $program -ex "generate-core-file $PWD/gcore" > gcore.log 2>&1)
status=$?
kill $program
grep -q ptrace gcore.log && grep -q 'not permitted' gcore.log && exit 77
[ $status = 0 ] || { cat gcore.log; exit 1; }
holds_all gcore
[ "$(du -m gcore | cut -f1)" -lt 200 ] || { ls -l gcore; exit 1; }

# Where the kernel leaves cores in the folder of the program.
case $(cat /proc/sys/kernel/core_pattern) in core*) ;; *) exit 0 ;; esac
LD_PRELOAD="$LIB_SO" ./program die 2> /dev/null
core=$(ls core* 2> /dev/null | head -n 1)
[ -n "$core" ] || exit 0
holds_all "$core"
[ "$(du -m "$core" | cut -f1)" -lt 200 ]
