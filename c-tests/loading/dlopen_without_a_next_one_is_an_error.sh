# Behind the C library there is no other dlopen: ours, asked by its handle, says so.
cat > program.c << 'END'
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
int main(int count, char **argument)
{
    void *ours = count == 2 ? dlopen(argument[1], RTLD_NOW | RTLD_NOLOAD) : NULL;
    if (!ours) return 2;
    void *(*last_dlopen)(const char *, int) = (void *(*)(const char *, int))dlsym(ours, "dlopen");
    if (!last_dlopen || last_dlopen == dlopen || last_dlopen("libc.so.6", RTLD_NOW)) return 3;
    const char *error = dlerror();
    puts(error ? error : "no error");
    return !error || !strstr(error, "dlopen");
}
END
$CC -fno-builtin program.c -Wl,--no-as-needed -lc "$LIB_SO" -Wl,-rpath,"$(dirname "$LIB_SO")" -o program && ./program "$LIB_SO"
