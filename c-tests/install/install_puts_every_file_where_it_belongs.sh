. "$C_TESTS/install/prefix.bash"
PREFIX=/opt/tiny LIBDIR=/opt/tiny/lib64
make_in_checkout install DESTDIR="$PWD/stage" || exit 1
cd stage/opt/tiny || exit 1
find . -type f -o -type l | LC_ALL=C sort > ../../../found
version=$(sed -n 's/^#define TINYALLOC_VERSION "\(.*\)"/\1/p' include/tinyalloc.h)
cat > ../../../wanted << END
./include/tinyalloc-jemalloc.h
./include/tinyalloc.h
./lib64/cmake/tinyalloc/tinyalloc-config-version.cmake
./lib64/cmake/tinyalloc/tinyalloc-config.cmake
./lib64/libtinyalloc-jemalloc.so
./lib64/libtinyalloc-jemalloc.so.0
./lib64/libtinyalloc-jemalloc.so.$version
./lib64/libtinyalloc.a
./lib64/libtinyalloc.so
./lib64/libtinyalloc.so.0
./lib64/libtinyalloc.so.$version
./lib64/pkgconfig/tinyalloc.pc
./share/gdb/auto-load/opt/tiny/lib64/libtinyalloc.so.$version-gdb.py
./share/gdb/auto-load/opt/tiny/lib64/tinyalloc_gdb.py
./share/man/man1/tinyalloc.1
./share/man/man3/tinyalloc.3
./share/man/man7/tinyalloc.7
END
# Other headers and pages may come in addition.
grep -Ev '^\./(include/[a-z_]+\.hpp|share/man/man[37]/[a-z_-]+\.[37])$' ../../../wanted > ../../../wanted_files
grep -Ev '^\./(include/[a-z_]+\.hpp|share/man/man[37]/[a-z_-]+\.[37])$' ../../../found | diff - ../../../wanted_files || exit 1
[ -e share/man/man3/tinyalloc.3 ] && [ -e share/man/man7/tinyalloc.7 ] || exit 1
[ "$(readlink lib64/libtinyalloc.so)" = libtinyalloc.so.0 ] || exit 1
[ "$(readlink lib64/libtinyalloc-jemalloc.so.0)" = "libtinyalloc-jemalloc.so.$version" ] || exit 1
[ "$(readlink lib64/libtinyalloc.so.0)" = "libtinyalloc.so.$version" ] || exit 1
[ -x "lib64/libtinyalloc.so.$version" ] && [ ! -x lib64/libtinyalloc.a ] || exit 1
! grep -rn '@\|stage' lib64/pkgconfig lib64/cmake | grep -v DESTDIR || exit 1
# The command is a package of its own, which takes longer to build than the library.
[ ! -e bin ] || exit 1
cd ../../..
echo 'command' > command
make_in_checkout install-command DESTDIR="$PWD/stage" BINDIR=/opt/tiny/sbin COMMAND="$PWD/command" || exit 1
[ -x stage/opt/tiny/sbin/tinyalloc ] && cmp command stage/opt/tiny/sbin/tinyalloc
