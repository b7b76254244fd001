readelf -d "$LIB_SO" | grep SONAME
readelf -d "$LIB_SO" | grep -q 'SONAME.*\[libtinyalloc\.so\.0\]'
