# Lazy binding runs the dynamic linker, with its locks and its stack, inside the first malloc.
readelf -d "$LIB_SO" | grep FLAGS
readelf -d "$LIB_SO" | grep -Eq 'BIND_NOW|FLAGS_1.*NOW'
