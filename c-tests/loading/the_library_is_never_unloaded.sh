# mimalloc#164, #809: dlclose pulls the code from under the thread-exit destructors.
readelf -d "$LIB_SO" | grep FLAGS
readelf -d "$LIB_SO" | grep -q 'FLAGS_1.*NODELETE'
