# dlopen goes by its caller: RUNPATH, RPATH, $ORIGIN and the namespace are those of the caller, not ours.
mkdir -p beside outer/inner
cat > leaf.c << 'END'
int leaf(void) { return 42; }
END
cat > outer.c << 'END'
#define _GNU_SOURCE
#include <dlfcn.h>
void *outer_opens(const char *name, int flags) { return dlopen(name, flags | RTLD_NOW); }
END
cat > program.c << 'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
static int failures;
static void expect(const char *what, void *handle, int found)
{
    if (!handle == !found && (!found || dlsym(handle, "leaf"))) return;
    fprintf(stderr, "%s: %s\n", what, handle ? "was found" : dlerror());
    failures++;
}
static void open_all(int flags)
{
    void *outer = dlopen("libouter.so", flags | RTLD_NOW);
    if (!outer) { fprintf(stderr, "%s\n", dlerror()); exit(1); }
    void *(*outer_opens)(const char *, int) = dlsym(outer, "outer_opens");
    expect("inside the library, by the program", dlopen("libinner.so", flags | RTLD_NOW), 0);
    expect("below the library, by the program", dlopen("$ORIGIN/inner/liborigin.so", flags | RTLD_NOW), 0);
    expect("beside the program, by the program", dlopen("libbeside.so", flags | RTLD_NOW), 1);
    expect("below the program, by the program", dlopen("$ORIGIN/beside/liborigin.so", flags | RTLD_NOW), 1);
    expect("inside the library, by the library", outer_opens("libinner.so", flags), 1);
    expect("below the library, by the library", outer_opens("$ORIGIN/inner/liborigin.so", flags), 1);
}
static void open_apart(const char *path, int flags)
{
    Lmid_t expected = 0, actual = 0;
    void *apart = dlmopen(LM_ID_NEWLM, path, RTLD_NOW);
    if (!apart) { fprintf(stderr, "%s\n", dlerror()); exit(1); }
    void *handle = ((void *(*)(const char *, int))dlsym(apart, "outer_opens"))("libinner.so", flags);
    expect("apart, by the library", handle, 1);
    if (!handle || dlinfo(apart, RTLD_DI_LMID, &expected) || dlinfo(handle, RTLD_DI_LMID, &actual)) exit(1);
    if (expected != LM_ID_BASE && actual == expected) return;
    fprintf(stderr, "namespace %ld, not %ld\n", (long)actual, (long)expected);
    failures++;
}
int main(int count, char **argument)
{
    int flags = count > 2 ? RTLD_DEEPBIND : 0;
    open_all(flags);
    open_apart(argument[1], flags);
    return failures != 0;
}
END
for leaf in beside/libbeside beside/liborigin outer/inner/libinner outer/inner/liborigin; do
    $CC -shared -fPIC leaf.c -o $leaf.so || exit 1
done
for tags in --enable-new-dtags --disable-new-dtags; do
    $CC -shared -fPIC outer.c -Wl,$tags,-rpath,'$ORIGIN/inner' -o outer/libouter.so -ldl &&
        $CC -shared -fPIC outer.c -Wl,--no-as-needed "$LIB_SO" -Wl,$tags,-rpath,'$ORIGIN/inner' -Wl,-rpath,"$(dirname "$LIB_SO")" \
            -o outer/libapart.so -ldl &&
        $CC program.c -Wl,$tags,-rpath,'$ORIGIN/beside:$ORIGIN/outer' -o program -ldl || exit 1
    LD_PRELOAD="$LIB_SO" ./program "$PWD/outer/libapart.so" && LD_PRELOAD="$LIB_SO" ./program "$PWD/outer/libapart.so" deep ||
        { echo "with $tags"; exit 1; }
done
