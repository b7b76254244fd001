# A program that runs with more rights than its caller's: the kernel tells it so, in AT_SECURE.
[ "$(id -u)" -eq 0 ] || exit 77
cat > program.c << 'END'
#include <stdlib.h>
#include <sys/auxv.h>
int main(void) { free(malloc(1)); return getauxval(AT_SECURE) ? 0 : 77; }
END
$CC program.c "$LIB_A" -lpthread -ldl -o program && chown nobody program && chmod 4755 program || exit 77
TINYALLOC_OPTIONS=stats_at_exit=text,nonsense=1 ./program > said 2>&1
status=$?
[ $status -eq 0 ] || exit $status
[ ! -s said ] || { cat said; exit 1; }
chmod 755 program
TINYALLOC_OPTIONS=stats_at_exit=text ./program > said 2>&1
grep -q '^allocated' said
