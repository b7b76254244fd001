command -v groff > /dev/null || exit 77
for page in "$C_TESTS"/../docs/man/*; do
    groff -man -Tascii -ww -z "$page" > warnings 2>&1 || exit 1
    [ ! -s warnings ] || { cat warnings; exit 1; }
done
# Every option is described, and every function.
for option in purge_delay purge background_purge region_size huge_pages stats_at_exit stats_file stats_signal limit on_error check_sizes hardened quarantine guard \
    zero_on_free sealed valgrind deepbind; do
    grep -q "^\.B $option" "$C_TESTS/../docs/man/tinyalloc.7" || { echo "$option is missing"; exit 1; }
done
for function in $(grep -o '\bta_\(stats\|option\|purge\)[a-z_]*(' "$C_TESTS/../include/tinyalloc.h" | tr -d '(' | sort -u); do
    grep -q "$function" "$C_TESTS/../docs/man/tinyalloc.3" || { echo "$function is missing"; exit 1; }
done
