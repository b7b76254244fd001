for tool in dpkg-buildpackage dh dpkg-deb; do command -v $tool > /dev/null || exit 77; done
case $(dpkg --print-architecture) in amd64 | arm64) ;; *) exit 77 ;; esac
. "$C_TESTS/install/prefix.bash"
mkdir package
cp -r "$C_TESTS/../packaging/debian" package/debian
export TOP=$(cd "$C_TESTS/.." && pwd) VARIABLES="CARGO=true OBJCOPY=true LIBRARIES=$(dirname "$LIB_SO")" DEB_BUILD_OPTIONS=nodoc
(cd package && env -u MAKEFLAGS -u LIBDIR -u PREFIX dpkg-buildpackage --build=binary --no-sign --no-check-builddeps > ../log 2>&1) || { cat log; exit 1; }
for package in libtinyalloc0_*.deb libtinyalloc-dev_*.deb; do dpkg-deb --extract "$package" root || exit 1; done
libraries=$(dirname "$(find root -name libtinyalloc.a)")
[ -e "$libraries/libtinyalloc.so.0" ] && [ -e "$libraries/cmake/tinyalloc/tinyalloc-config.cmake" ] || exit 1
dpkg-deb --info libtinyalloc0_*.deb | grep -q 'Depends: libc6' || exit 1
$CC -Iroot/usr/include program.c -L"$libraries" -ltinyalloc -o program && LD_LIBRARY_PATH=$libraries ./program || exit 1
# Into a root of its own, with a database of its own; as an ordinary user dpkg cannot change owners.
[ "$(id -u)" -eq 0 ] || exit 0
mkdir -p system/var/lib/dpkg/updates system/var/lib/dpkg/info
: > system/var/lib/dpkg/status
dpkg --root="$PWD/system" --force-depends --force-bad-path --install libtinyalloc0_*.deb libtinyalloc-dev_*.deb > log 2>&1 || { cat log; exit 1; }
[ -e system/usr/include/tinyalloc.h ] || exit 1
dpkg --root="$PWD/system" --purge libtinyalloc-dev libtinyalloc0 > log 2>&1 || { cat log; exit 1; }
[ ! -e system/usr/include/tinyalloc.h ]
