# Clang with allocation tokens, for tests; they are skipped where it is not.
CLANG_FOLDER=${TOKEN_CLANG:-$(dirname "$C_TESTS")/target/test-tools/clang}
if ! "$CLANG_FOLDER/bin/clang" -fsanitize=alloc-token -fsyntax-only -x c - < /dev/null 2> errors; then
    echo "no clang with -fsanitize=alloc-token in $CLANG_FOLDER: scripts/install-test-tools installs one"
    head -n 3 errors
    exit 77
fi

# A program of a C or C++ source, with the flags, linked with the library as any other is.
build() {
    local program=$1 source=$2 compiler=clang linker=${CC:-cc} library=
    shift 2
    case $source in
        *.cpp) compiler=clang++ linker=${CXX:-c++} library=-stdlib=libstdc++ ;;
    esac
    "$CLANG_FOLDER/bin/$compiler" -O1 -fPIE $library -fsanitize=alloc-token "$@" -c -o "$program.o" "$source" || exit 1
    $linker -pie -o "$program" "$program.o" "$LIB_SO" -Wl,-rpath,"$(dirname "$LIB_SO")" -lpthread || exit 1
}
