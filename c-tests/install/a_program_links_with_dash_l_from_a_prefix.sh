. "$C_TESTS/install/prefix.bash"
make_in_checkout install || exit 1
$CC -std=c99 -Wall -Wextra -Wpedantic -Werror -Iroot/include program.c -Lroot/lib -ltinyalloc -o program || exit 1
readelf -d program | grep -q 'NEEDED.*\[libtinyalloc\.so\.0\]' || exit 1
LD_LIBRARY_PATH=root/lib ./program || exit 1
$CXX -std=c++17 -Wall -Wextra -Werror -Iroot/include program.cpp -Lroot/lib -ltinyalloc -o programxx && LD_LIBRARY_PATH=root/lib ./programxx
