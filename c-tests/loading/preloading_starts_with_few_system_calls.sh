# Lazy start: what true costs more with the library than without, its loading apart.
command -v strace > /dev/null || exit 77
strace -f -o plain true || exit 77
strace -f -o ours -E LD_PRELOAD="$LIB_SO" true || exit 77
more=$(($(wc -l < ours) - $(wc -l < plain)))
echo "$more more system calls"
cat ours
[ "$more" -le 24 ]
