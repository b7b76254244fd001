# A fault on a file maps 64 KiB of it. What a small process runs must be together, and where the linker places it
# behind symbols and constants (layout.ld), all of that must fit into the first 64 KiB.
nm "$LIB_SO" > symbols 2> /dev/null
grep -q take_run symbols || exit 77
grep -E ' [tT] (malloc|free|calloc|realloc)$|take_run|add_region|7lay_out|5carve17h|fullest_partial|move_block|6resize17h' \
    symbols | sort | tee common
[ "$(wc -l < common)" -ge 10 ] || exit 1
first=$((0x$(sed -n '1s/ .*//p' common))) last=$((0x$(sed -n '$s/ .*//p' common)))
[ $((last - first)) -lt 40000 ] || exit 1
# Everything in one mapping that is not written to: the order of layout.ld.
readelf -lW "$LIB_SO" > segments
grep -q 'LOAD.* R E ' segments && ! grep -q 'LOAD.* R   ' segments && { [ $((last + 3000)) -lt 65536 ] || exit 1; }
# Zeroed memory would be a mapping of its own, unless it ends in the page of what comes before it. (On 64-bit Arm there is a word that says
# which atomic instructions the processor has.)
while read -r _ _ start _ in_file in_memory _; do
    [ $(((start + in_file - 1) / 4096)) -eq $(((start + in_memory - 1) / 4096)) ] || exit 1
done < <(grep 'LOAD.* RW ' segments)
