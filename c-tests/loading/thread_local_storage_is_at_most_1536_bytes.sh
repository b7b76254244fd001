# glibc 2.36 refuses to dlopen libraries beyond about 1.6 KiB of static TLS.
bytes=$(readelf -lW "$LIB_SO" | awk '$1 == "TLS" { print strtonum($6) }' 2> /dev/null)
[ -n "$bytes" ] || bytes=$((0x$(readelf -lW "$LIB_SO" | awk '$1 == "TLS" { sub(/^0x/, "", $6); print $6 }')))
echo "$bytes bytes"
[ "$bytes" -le 1536 ]
