# Where pages may have 64 KiB, what is written to is in a part of the file that begins with one.
strip -o stripped "$LIB_SO"
bytes=$(wc -c < stripped)
most=258000
readelf -lW "$LIB_SO" | grep -q 'LOAD.*0x10000$' && most=$((most + 65536))
echo "$bytes bytes, of at most $most"
[ "$bytes" -le "$most" ]
