# Installs what was built below $PWD/root, without building anything: tests run beside each other.
PREFIX=${PREFIX:-$PWD/root}
LIBDIR=${LIBDIR:-$PREFIX/lib}
make_in_checkout() {
    make --no-print-directory -C "$C_TESTS/.." CARGO=true OBJCOPY=true LIBRARIES="$(dirname "$LIB_SO")" \
        JEMALLOC_BUILT="$(dirname "$LIB_SO")/libtinyalloc-jemalloc.so" PREFIX="$PREFIX" LIBDIR="$LIBDIR" "$@"
}
cat > program.c << 'END'
#include <stdio.h>
#include <stdlib.h>
#include <tinyalloc.h>
int main(void)
{
    struct ta_stats now;
    char *block = malloc(300000);
    if (block == NULL || ta_stats(&now, sizeof now) != 0 || now.allocated < 300000) return 1;
    block[0] = 1;
    free(block);
    return malloc_good_size(100) < 100;
}
END
cat > program.cpp << 'END'
#include <memory>
#include <string>
#include <tinyalloc.h>
#include <vector>
int main()
{
    std::vector<std::string> words(1000, std::string(100, 'x'));
    auto block = std::make_unique<char[]>(300000);
    ta_stats_t now;
    return block == nullptr || ta_stats(&now, sizeof now) != 0 || now.allocated < 400000;
}
END
