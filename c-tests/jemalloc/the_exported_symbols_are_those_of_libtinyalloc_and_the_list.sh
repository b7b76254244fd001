# What jemalloc's interface adds is jemalloc/exports.list; the main library has none of it.
nm -D --defined-only "$LIB_SO" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u > actual
cat "$C_TESTS/exports.list" "$C_TESTS/jemalloc/exports.list" | LC_ALL=C sort -u | diff - actual || exit 1
LC_ALL=C sort -u "$C_TESTS/exports.list" | LC_ALL=C comm -12 - "$C_TESTS/jemalloc/exports.list" | diff /dev/null - || exit 1
readelf -d "$LIB_SO" | grep -q 'SONAME.*\[libtinyalloc-jemalloc\.so\.0\]' || exit 1
# The header declares what is on the list, and nothing else.
header=$C_TESTS/../include/tinyalloc-jemalloc.h
while read -r name; do grep -q "[ *(]$name[()\;]" "$header" || { echo "$name is not declared"; exit 1; }; done < "$C_TESTS/jemalloc/exports.list"
sed -n 's/.*[ *]\([a-z_]*\)(.*TA_JEMALLOC_NOTHROW;/\1/p' "$header" | grep . | LC_ALL=C sort > declared
cat "$C_TESTS/exports.list" "$C_TESTS/jemalloc/exports.list" | LC_ALL=C sort | LC_ALL=C comm -23 declared - | diff /dev/null -
