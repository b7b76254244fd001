# A program may define some of the family on top of the rest. What we call of our own must then be ours, not
# the program's: no reference to an exported function is left to the dynamic linker. C++'s operators are the
# exception, since programs replace them one by one.
readelf -rW "$LIB_SO" | awk 'NF >= 5 && $5 !~ /^_Z(n|d)[wal]/ { sub(/@.*/, "", $5); print $5 }' | LC_ALL=C sort -u > referenced
[ -s referenced ] || exit 1
LC_ALL=C sort -u "$C_TESTS/exports.list" | LC_ALL=C comm -12 - referenced | tee preemptible
[ ! -s preemptible ]
