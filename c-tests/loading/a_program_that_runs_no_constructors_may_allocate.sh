# Go's own linker starts programs without the C library's start files. musl then runs no constructor of a library:
# the first call is the first that this library knows of the process.
cat > program.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((force_align_arg_pointer, noreturn)) void _start(void)
{
    int status = 0;
    void *block[100];
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < 100; i++) {
            block[i] = malloc(i * i * 100);
            if (!block[i]) status = 1; else memset(block[i], 1, i * i * 100);
        }
        for (size_t i = 0; i < 100; i++) free(block[i]);
    }
    syscall(SYS_exit_group, status);
    __builtin_unreachable();
}
END
"$CC" -O1 -fno-builtin -nostartfiles -w -o program program.c || exit 1
LD_PRELOAD="$LIB_SO" ./program || exit 1
# Such a program ends in an abort at a double free as any other.
sed 's/syscall(SYS_exit_group, status)/free(block[1]), syscall(SYS_exit_group, status)/' program.c > mistake.c
"$CC" -O1 -fno-builtin -nostartfiles -w -o mistake mistake.c || exit 1
LD_PRELOAD="$LIB_SO" ./mistake 2> said
[ $? -eq 134 ] && grep -q 'tinyalloc: double free' said
