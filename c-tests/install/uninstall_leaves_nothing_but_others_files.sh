. "$C_TESTS/install/prefix.bash"
echo 'command' > command
make_in_checkout install install-command COMMAND="$PWD/command" || exit 1
[ -e root/bin/tinyalloc ] && [ -e root/share/man/man1/tinyalloc.1 ] || exit 1
touch root/lib/libother.so root/include/other.h
make_in_checkout uninstall || exit 1
find root ! -type d | LC_ALL=C sort | diff - <(printf 'root/include/other.h\nroot/lib/libother.so\n') && [ ! -e root/lib/cmake/tinyalloc ]
