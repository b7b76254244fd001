command -v groff > /dev/null || exit 77
for page in "$C_TESTS"/../docs/man/*; do
    groff -man -Tascii -ww -z "$page" > warnings 2>&1 || exit 1
    [ ! -s warnings ] || { cat warnings; exit 1; }
done
# Every function is described. (And every option: the table of options has a test for that.)
for function in $(grep -o '\bta_\(stats\|option\|purge\)[a-z_]*(' "$C_TESTS/../include/tinyalloc.h" | tr -d '(' | sort -u); do
    grep -q "$function" "$C_TESTS/../docs/man/tinyalloc.3" || { echo "$function is missing"; exit 1; }
done
