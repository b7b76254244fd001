cat > program.c << 'END'
#include <tinyalloc-jemalloc.h>
#include <tinyalloc-jemalloc.h>
#include <tinyalloc.h>
int main(void) { return mallocx(1, MALLOCX_ALIGN(64) | MALLOCX_ZERO | MALLOCX_TCACHE_NONE | MALLOCX_ARENA(1)) == NULL; }
END
cp program.c program.cpp
warnings="-Wall -Wextra -Wpedantic -Werror -I$C_TESTS/../include -fsyntax-only"
tried=0
for compiler in gcc clang; do
    command -v $compiler > /dev/null || continue
    for standard in c99 c11 c17; do $compiler -std=$standard $warnings program.c || exit 1; tried=$((tried + 1)); done
done
for compiler in g++ clang++; do
    command -v $compiler > /dev/null || continue
    for standard in c++11 c++17 c++20; do $compiler -std=$standard $warnings program.cpp || exit 1; tried=$((tried + 1)); done
done
[ $tried -gt 0 ] || exit 77
