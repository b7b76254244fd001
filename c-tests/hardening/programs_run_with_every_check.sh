# Programs that make no mistakes behave as ever, threads and forks included.
export LD_PRELOAD="$LIB_SO"
for options in zero_on_free=on hardened=on hardened=on,quarantine=1M guard=1 guard=50 hardened=on,guard=20,zero_on_free=on,check_sizes=on; do
    export TINYALLOC_OPTIONS="$options"
    out=$(bash -c 'x=$(seq 1 2000 | sort -R | sort -n | tail -1); echo "$x"; (for i in 1 2 3; do echo $i & done; wait) | sort' 2>&1 | tr '\n' ' ')
    [ "$out" = "2000 1 2 3 " ] || { echo "$options: $out"; exit 1; }
    out=$(awk 'BEGIN { for (i = 0; i < 20000; i++) a["k" i] = i "v"; n = 0; for (k in a) n += length(a[k]); print n }' 2>&1)
    [ "$out" = 108890 ] || { echo "$options: awk: $out"; exit 1; }
done
