# A program that is linked with libjemalloc.so.2 has ours where a link of that name leads to it, and jemalloc is not loaded at all.
cat > program.c << 'END'
#include "jemalloc/control.h"
int main(void)
{
    char line[4096];
    void *block = mallocx(1000, MALLOCX_ZERO);
    EXPECT(block != NULL && sallocx(block, 0) >= 1000);
    sdallocx(block, 1000, 0);
    puts(read_text("version"));
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps))
        EXPECT(strstr(line, "libjemalloc.so") == NULL);
    fclose(maps);
    return 0;
}
END
# jemalloc's name with nothing of it behind, and Debian's, where it is.
names=$(printf 'void %s(void) { __builtin_trap(); }\n' mallctl mallocx sallocx sdallocx)
mkdir stub ours && echo "$names" > stub.c && $CC -fno-builtin -shared -fPIC -Wl,-soname,libjemalloc.so.2 -o stub/libjemalloc.so.2 stub.c || exit 1
ln -s "$(realpath "$LIB_SO")" ours/libjemalloc.so.2
for theirs in stub/libjemalloc.so.2 /usr/lib/*/libjemalloc.so.2; do
    [ -e "$theirs" ] || continue
    $CC -O1 -fno-builtin -pthread -I"$C_TESTS" -I"$C_TESTS/../include" -o program program.c "$theirs" -Wl,-rpath,"$PWD/stub" || exit 1
    LD_LIBRARY_PATH=$PWD/ours MALLOC_CONF=stats_print:true ./program > out 2> errors || { echo "$theirs: exit status $?"; cat errors; exit 1; }
    [[ $(cat out) == 5.3.0-0-tinyalloc-* ]] || { echo "$theirs: $(cat out)"; exit 1; }
    [ "$(grep -c '^___ Begin jemalloc statistics' errors)" = 1 ] || { cat errors; exit 1; }
done
