# A limit on addresses or on data that leaves room for the program leaves room for the heap.
works() {
    local what=$1 limit=$2
    local got
    got=$( (ulimit "$what" "$limit" && LD_PRELOAD="$LIB_SO" ls / 2>&1) ) || {
        echo "ls under ulimit $what $limit: status $?, $got"
        exit 1
    }
    [ "$got" = "$wanted" ] || { echo "ls under ulimit $what $limit says: $got"; exit 1; }
}

# Below what the program needs itself it may say so, and nothing else.
says_so() {
    local what=$1 limit=$2 status=0
    local got
    got=$( (ulimit "$what" "$limit" && LD_PRELOAD="$LIB_SO" ls / 2>&1) 2>&1) || status=$?
    [ "$status" = 0 ] || [ "$status" -lt 128 ] && return
    # The loader itself gives up with a signal where it cannot map its first page.
    (ulimit "$what" "$limit" && ls / >/dev/null 2>&1) 2>/dev/null && { echo "ls under ulimit $what $limit: status $status, $got"; exit 1; }
}

wanted=$(ls /)
for mib in 1024 256 64 32 24 20 16; do
    works -v $((mib * 1024))
    works -d $((mib * 1024))
done
works -d 2048
for kib in 14336 12288 10240 8192 7168 6144 5120 4096 3072; do says_so -v "$kib"; done
for kib in 1536 1024 768 512 384 256; do says_so -d "$kib"; done
# Locked memory may run out as well.
works -l 64
exit 0
