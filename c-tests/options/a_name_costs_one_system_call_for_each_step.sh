# And nothing without the option; a kernel that refuses is asked once. strace answers in the kernel's place.
for tool in strace python3; do command -v $tool > /dev/null || exit 77; done
strace -o /dev/null true || exit 77
cat > program.c <<'END'
#include <stdlib.h>
#include <string.h>
int main(int count, char **argument)
{
    free(malloc(100));
    for (int i = 0; count > 1 && i < 60000; i++) memset(malloc(1000), i, 1000);
    char *huge = count > 1 ? realloc(malloc(40 << 20), 90 << 20) : NULL;
    return argument == NULL || (count > 1 && huge == NULL);
}
END
$CC -O0 -fno-builtin -o program program.c || exit 1
# How many calls; the answer is the kernel's for all of them.
calls() {
    answer=$1 options=$2
    shift 2
    strace -f -o trace -e trace=prctl,mmap,mremap -e "inject=prctl:$answer" -E LD_PRELOAD="$LIB_SO" -E TINYALLOC_OPTIONS="$options" "$@"
    grep -c prctl trace
}
[ "$(calls retval=0 '' ./program much)" = 0 ] || exit 1
[ "$(calls error=EINVAL name_mappings=on ./program much)" = 1 ] || { cat trace; exit 1; }
[ "$(calls retval=0 name_mappings=on ./program)" = 2 ] || { cat trace; exit 1; }
calls retval=0 name_mappings=on ./program much
cat > check.py <<'END'
import re
ends, mapped, steps = {}, {}, 0
for line in open("trace"):
    if found := re.search(r"mmap\((?:0x)?(\w+), (\d+), PROT_READ\|PROT_WRITE.*= 0x(\w+)", line):
        mapped[int(found[3], 16)] = int(found[2])
    if found := re.search(r'prctl\((?:0x53564d41|PR_SET_VMA)[^,]*, (?:0|PR_SET_VMA_ANON_NAME)[^,]*, 0x(\w+), (\w+), (.*)\)', line):
        start, size = int(found[1], 16), int(found[2], 0)
        print(hex(start), size, found[3])
        # It names what was mapped just now, and what lies before and has the name already.
        named = sum(mapped.pop(at) for at in sorted(mapped) if start <= at < start + size)
        assert "blocks" in found[3] or ends.get(start, 0) + named == size, line
        ends[start] = size
        steps += 1
assert steps > 8 and len(ends) <= 6, ends
END
python3 check.py
