# Builds the Debian packages in $PWD, of what was built. The command is that of `make command`, or the one that its own tests have built.
for tool in dpkg-buildpackage dh dpkg-deb; do command -v $tool > /dev/null || exit 77; done
case $(dpkg --print-architecture) in amd64 | arm64) ;; *) exit 77 ;; esac
export TOP=$(cd "$C_TESTS/.." && pwd)
for profile in release debug; do
    command=$TOP/command/target/$profile/tinyalloc
    [ -x "$command" ] && break
done
[ -x "$command" ] || { echo "skipped: make command has built nothing"; exit 77; }
export VARIABLES="CARGO=true OBJCOPY=true LIBRARIES=$(dirname "$LIB_SO") COMMAND=$command" DEB_BUILD_OPTIONS=
mkdir package
cp -r "$TOP/packaging/debian" package/debian
(cd package && env -u MAKEFLAGS -u LIBDIR -u PREFIX dpkg-buildpackage --build=binary --no-sign --no-check-builddeps > ../log 2>&1) || { cat log; exit 1; }
