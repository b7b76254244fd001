. "$C_TESTS/install/prefix.bash"
make_in_checkout install || exit 1
$CC -Iroot/include program.c root/lib/libtinyalloc.a -lpthread -ldl -o program && ./program || exit 1
$CXX -std=c++17 -Iroot/include program.cpp root/lib/libtinyalloc.a -lpthread -ldl -o programxx && ./programxx || exit 1
! readelf -d program programxx | grep tinyalloc
