command -v pkg-config > /dev/null || exit 77
. "$C_TESTS/install/prefix.bash"
make_in_checkout install || exit 1
export PKG_CONFIG_PATH=$PWD/root/lib/pkgconfig
$CC program.c $(pkg-config --cflags --libs tinyalloc) -o program && LD_LIBRARY_PATH=root/lib ./program || exit 1
[ "$(pkg-config --modversion tinyalloc)" = "$(sed -n 's/^#define TINYALLOC_VERSION "\(.*\)"/\1/p' root/include/tinyalloc.h)" ] || exit 1
# The archive by its name: with both in one folder, -l takes the shared library.
archive=$(pkg-config --static --libs tinyalloc | sed 's/-ltinyalloc/-l:libtinyalloc.a/')
$CC program.c $(pkg-config --cflags tinyalloc) $archive -o program && ./program && ! readelf -d program | grep tinyalloc
