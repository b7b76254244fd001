# A program that is not position-independent begins where it says, and may have a build-id of any length.
cat > program.c <<'END'
#include <stdlib.h>
int main(void) { return malloc(4 << 20) == NULL; }
END
for id in 0x0123456789abcdef 0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 0xfe; do
    $CC -no-pie -O0 "-Wl,--build-id=$id" program.c -o program || exit 1
    start=$(readelf -lW program | awk '$1 == "LOAD" && $2 ~ /^0x0+$/ { print $3; exit }')
    LD_PRELOAD=$LIB_SO TINYALLOC_OPTIONS=profile=on,profile_file=program.heap ./program || exit 1
    line="{\"module\":{\"start\":$((start)),\"build_id\":\"${id#0x}\"}}"
    grep -qxF "$line" program.heap || { grep module program.heap; echo "there is no $line"; exit 1; }
done
$CC -O0 -Wl,--build-id=none program.c -o program || exit 1
LD_PRELOAD=$LIB_SO TINYALLOC_OPTIONS=profile=on,profile_file=program.heap ./program || exit 1
start=$(awk '$6 ~ /\/program$/ { split($1, ends, "-"); print ends[1]; exit }' program.heap)
grep -q "\"start\":$((16#$start))," program.heap && { echo "a build-id of none"; exit 1; }
exit 0
