# Hardened slots are not aligned by their size: alignments, zeros and arenas hold there as well.
$CC -O1 -fno-builtin -pthread -I"$C_TESTS" -I"$C_TESTS/../include" -o flags "$C_TESTS/jemalloc/mallocx_does_what_its_flags_say.c" "$LIB_SO" \
    "-Wl,-rpath,$(dirname "$LIB_SO")" || exit 1
TINYALLOC_OPTIONS=hardened=on ./flags
