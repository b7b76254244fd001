. "$C_TESTS/install/prefix.bash"
make_in_checkout install || exit 1
touch root/lib/libother.so root/include/other.h
make_in_checkout uninstall || exit 1
find root ! -type d | LC_ALL=C sort | diff - <(printf 'root/include/other.h\nroot/lib/libother.so\n') && [ ! -e root/lib/cmake/tinyalloc ]
