. "$C_TESTS/install/prefix.bash"
. "$C_TESTS/install/debian.bash"
for package in libtinyalloc0_*.deb libtinyalloc-dev_*.deb tinyalloc_*.deb; do dpkg-deb --extract "$package" root || exit 1; done
libraries=$(dirname "$(find root -name libtinyalloc.a)")
[ -e "$libraries/libtinyalloc.so.0" ] && [ -e "$libraries/cmake/tinyalloc/tinyalloc-config.cmake" ] || exit 1
dpkg-deb --info libtinyalloc0_*.deb | grep -q 'Depends: libc6' || exit 1
$CC -Iroot/usr/include program.c -L"$libraries" -ltinyalloc -o program && LD_LIBRARY_PATH=$libraries ./program || exit 1
dpkg-deb --info tinyalloc_*.deb | grep -q 'Recommends: libtinyalloc0' && [ -e root/usr/share/man/man1/tinyalloc.1.gz ] || exit 1
# It finds the library of the other package.
LD_LIBRARY_PATH=$libraries root/usr/bin/tinyalloc run --interval 4K -- ./program > log 2>&1 || { cat log; exit 1; }
grep -q 'main program.c' log || grep -q 'main (program)' log || { cat log; exit 1; }
# Into a root of its own, with a database of its own; as an ordinary user dpkg cannot change owners.
[ "$(id -u)" -eq 0 ] || exit 0
mkdir -p system/var/lib/dpkg/updates system/var/lib/dpkg/info
: > system/var/lib/dpkg/status
dpkg --root="$PWD/system" --force-depends --force-bad-path --install libtinyalloc0_*.deb libtinyalloc-dev_*.deb tinyalloc_*.deb > log 2>&1 || { cat log; exit 1; }
[ -e system/usr/include/tinyalloc.h ] && [ -x system/usr/bin/tinyalloc ] || exit 1
dpkg --root="$PWD/system" --purge libtinyalloc-dev tinyalloc libtinyalloc0 > log 2>&1 || { cat log; exit 1; }
[ ! -e system/usr/include/tinyalloc.h ] && [ ! -e system/usr/bin/tinyalloc ]
