# Every block of C and C++ of docs/HEAPS.md compiles and runs, and prints what the block of text behind it says. A program's first line names
# its file and says how to build and run it; any other block is what stands in a main function.
guide="$C_TESTS/../docs/HEAPS.md"
awk '
    /^```c(pp)?$/ { first = 1; inside = "code"; next }
    /^```text$/ { inside = "text"; file = named ".expected"; printf "" > file; next }
    /^```/ { if (inside == "code" && snippet) print "    return 0;\n}" > file; inside = ""; next }
    inside == "" { next }
    first {
        first = 0
        snippet = !match($0, /^\/\/ [a-z]+\.(c|cpp): /)
        named = file = snippet ? "snippet" ++snippets ".c" : substr($0, 4, RLENGTH - 5)
        command = snippet ? "cc -o snippet " file " -ltinyalloc && ./snippet" : substr($0, RLENGTH + 1)
        print file "\t" command > "programs"
        if (snippet) print "#include <stdio.h>\n#include <stdlib.h>\n#include <tinyalloc.h>\nint main(void)\n{" > file
    }
    { print > file }
' "$guide" || exit 1
export CPATH="$C_TESTS/../include" LIBRARY_PATH LD_LIBRARY_PATH
LIBRARY_PATH=$(dirname "$LIB_SO")
LD_LIBRARY_PATH=$LIBRARY_PATH
ran=0
while IFS=$'\t' read -r file command <&3; do
    case $file in
        *.c) "$CC" -std=gnu11 -Wall -Wextra -Werror -fsyntax-only "$file" || exit 1 ;;
        *) "$CXX" -std=c++17 -Wall -Wextra -Werror -fsyntax-only "$file" || exit 1 ;;
    esac
    bash -o pipefail -c "$command" > output || { echo "$file failed"; exit 1; }
    if [ -e "$file.expected" ]; then
        diff "$file.expected" output || { echo "$file printed something else"; exit 1; }
        rm "$file.expected"
    fi
    ran=$((ran + 1))
done 3< programs
# Nothing of the guide was overlooked.
[ "$ran" -eq "$(grep -cE '^```c(pp)?$' "$guide")" ] && [ "$ran" -ge 6 ] || { echo "$ran blocks ran"; exit 1; }
! ls ./*.expected 2> /dev/null || { echo "text without a program"; exit 1; }
