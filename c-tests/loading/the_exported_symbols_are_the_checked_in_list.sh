# The list is c-tests/exports.list: a symbol more is a promise that no document makes, a symbol less a mixed heap.
nm -D --defined-only "$LIB_SO" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u > actual
LC_ALL=C sort -u "$C_TESTS/exports.list" | diff - actual
