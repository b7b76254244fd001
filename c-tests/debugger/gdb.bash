# gdb on programs that are linked with the library as packages have it: stripped. To be sourced.
command -v gdb > /dev/null || { echo "skipped: gdb is not installed; scripts/install-test-tools installs it"; exit 77; }
gdb -batch -nx -ex "python import sys" > /dev/null 2>&1 || { echo "skipped: this gdb has no Python"; exit 77; }
SCRIPT=$C_TESTS/../packaging/gdb/tinyalloc-gdb.py
strip -o libtinyalloc.so.0 "$LIB_SO" && ln -sf libtinyalloc.so.0 libtinyalloc.so || exit 1

linked() {
    $CC -g -O0 -fno-builtin -I"$C_TESTS/../include" "$1.c" -o "$1" -L. -ltinyalloc -Wl,-rpath,"$PWD" -pthread || exit 1
}

# Without debug information from elsewhere, and without a question.
gdb_of() {
    program=$1
    shift
    (ulimit -f 4000000; timeout 50 gdb -batch -nx -iex "set debuginfod enabled off" -iex "set auto-load python-scripts off" -ex "set confirm off" \
        -ex "set startup-with-shell off" -ex "set disable-randomization off" -ex "set pagination off" "./$program" "$@" 2>&1)
}

# What went wrong, or that gdb may not trace.
fail() {
    cat "$1"
    grep -q 'ptrace' "$1" && grep -q 'not permitted' "$1" && { echo "skipped: no process may be traced here"; exit 77; }
    exit 1
}
