# The rows of src/jemalloc/names.rs, with numbers in place of <a>, <s> and <b>: read, written and called rightly and wrongly, by name and by MIB.
$CC -O1 -fno-builtin -pthread -I"$C_TESTS" -I"$C_TESTS/../include" -o names "$C_TESTS/jemalloc/programs/names.c" "$LIB_SO" "-Wl,-rpath,$(dirname "$LIB_SO")" || exit 1
sed -n 's/^    "\([^"]*\)" \([A-Z][a-z]*\)(.*/\1 \2/p' "$C_TESTS/../src/jemalloc/names.rs" > rows
# The arena that is destroyed comes last, and prof.active may be set where a profile was asked for.
{ grep -v 'arena\.<a>\.destroy' rows; grep 'arena\.<a>\.destroy' rows; } |
    sed 's/^arena\.<a>/arena.1/; s/<s>/4096/; s/<b>/7/' > lines
MALLOC_CONF=prof:true,prof_active:false ./names < lines > log 2>&1 || { tail -3 log; exit 1; }
