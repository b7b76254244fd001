# glibc 2.39 NEWS: dynamic TLS calls malloc, and a malloc on dynamic TLS recurses without end.
if nm -D -u "$LIB_SO" | grep '__tls_get_addr\|_dl_tlsdesc'; then exit 1; fi
readelf -d "$LIB_SO" | grep -q STATIC_TLS
readelf -r "$LIB_SO" | grep -q 'DTPMOD\|TLSDESC' && exit 1
exit 0
