cat > program.c << 'END'
#include <tinyalloc.h>
#include <tinyalloc.h>
int main(void) { struct ta_stats now; ta_stats_t same; return (int)sizeof now - (int)sizeof same; }
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
# Compilers without attributes see none.
gcc -std=c99 -U__GNUC__ -U__clang__ -E "$C_TESTS/../include/tinyalloc.h" > plain 2> /dev/null || exit 0
! grep __attribute__ plain
