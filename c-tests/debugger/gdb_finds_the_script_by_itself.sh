# Where `make install` puts it, below a folder that gdb looks into.
. "$C_TESTS/install/prefix.bash"
. "$C_TESTS/debugger/gdb.bash"
make_in_checkout install || exit 1
cat > program.c <<'END'
#include <stdlib.h>
char *block;
void stop(void) {}
int main(void) { block = malloc(100); stop(); free(block); return 0; }
END
$CC -g -O0 program.c -o program -Lroot/lib -ltinyalloc -Wl,-rpath,"$PWD/root/lib" -Wl,--no-as-needed || exit 1
folder=$PWD/root/share/gdb/auto-load
timeout 50 gdb -batch -nx -iex "set debuginfod enabled off" -iex "add-auto-load-scripts-directory $folder" -iex "add-auto-load-safe-path $folder" \
    -ex "set startup-with-shell off" -ex "break stop" -ex run -ex "tinyalloc info block" \
    -ex "set \$at = block" -ex "set language rust" -ex "tinyalloc info \$at" ./program > log 2>&1
[ "$(grep -c 'live block of 112 bytes' log)" = 2 ] || fail log
