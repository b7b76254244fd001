# The archive's is local: a program that links it keeps the C library's dlopen, or has its own.
nm -g --defined-only "$LIB_A" 2> /dev/null | grep -w dlopen && exit 1
cat > program.c << 'END'
#include <stdlib.h>
static const char *opened;
void *dlopen(const char *name, int flags) { opened = name; return flags ? malloc(10) : NULL; }
int main(void)
{
    void *block = dlopen("a name", 1);
    free(block);
    return block == NULL || opened == NULL;
}
END
$CC -fno-builtin program.c -Wl,--whole-archive "$LIB_A" -Wl,--no-whole-archive -lpthread -ldl -o program && ./program
