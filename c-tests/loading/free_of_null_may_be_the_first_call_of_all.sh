# The GNU C library itself frees null before its malloc is set up, from 2.44 on. A library's init function comes before our
# constructor in one order of preloading; without start files, musl runs none.
cat > early.c << 'END'
void free(void *);
void free_sized(void *, unsigned long) __attribute__((weak));
void *malloc(unsigned long);

void early_init(void)
{
    free(0);
    if (free_sized) free_sized(0, 100);
    free(malloc(100));
    free(0);
}
END
cat > program.c << 'END'
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

__attribute__((force_align_arg_pointer, noreturn)) void _start(void)
{
    free(NULL);
    char *block = malloc(100);
    if (block) block[99] = 1;
    free(block);
    syscall(SYS_exit_group, !block);
    __builtin_unreachable();
}
END
"$CC" -shared -fPIC -fno-builtin early.c -Wl,-init=early_init -o early.so || exit 1
LD_PRELOAD="$LIB_SO $PWD/early.so" /bin/true || exit 1
LD_PRELOAD="$PWD/early.so $LIB_SO" /bin/true || exit 1
"$CC" -O1 -fno-builtin -nostartfiles -w -o program program.c || exit 1
LD_PRELOAD="$LIB_SO" ./program
