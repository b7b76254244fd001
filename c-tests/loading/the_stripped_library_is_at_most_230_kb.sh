strip -o stripped "$LIB_SO"
bytes=$(wc -c < stripped)
echo "$bytes bytes"
[ "$bytes" -le 230000 ]
