# A program of which tracers count the sampled blocks. To be sourced.
cp "$LIB_SO" libtraced.so || exit 1
cat > program.c <<'PROGRAM'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
enum { BLOCKS = 3000 };
void *block[BLOCKS];
/* With arguments, it waits until a tracer has counted up the semaphores there in the library, and does nothing else. */
int main(int count, char **argument)
{
    Dl_info library = {0};
    int (*set)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_DEFAULT, "ta_option_set");
    if (!set || !dladdr((void *)set, &library)) return 2;
    for (int at = 1; at < count; at++) {
        volatile unsigned short *semaphore = (void *)((char *)library.dli_fbase + strtoull(argument[at], NULL, 16));
        for (int wait = 0; *semaphore == 0 && wait < 150; wait++) usleep(100000);
        if (*semaphore == 0) return 3;
    }
    if (count > 1) return 0;
    if (set("profile_file", "probes.heap") != 0 || set("profile", "16K") != 0) return 4;
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(i % 3 ? 1000 : 5000);
        if (i % 2) free(block[i]);
    }
    return 0;
}
PROGRAM
$CC -O1 -fno-builtin program.c -o program -ldl || exit 1

# Compares what a tracer counted (sampled blocks, their bytes, the bytes that they represent, frees) with the dump.
compare() {
    awk -v allocs="$1" -v bytes="$2" -v weight="$3" -v frees="$4" '
        function after(name, from) { from = index($0, "\"total\":"); return substr($0, from + index(substr($0, from), name) + length(name) - 1) + 0 }
        /^heap profile:/ { gsub(/[^0-9 ]/, " "); live = $1; total = $3; total_bytes = $4 }
        /^{"site"/ { estimate += after("\"bytes\":") }
        END {
            printf "a tracer counts %d, %d, %d, %d; the dump has %d, %d, %d, %d\n", allocs, bytes, weight, frees, total, total_bytes, estimate, total - live
            near = weight > estimate * 0.99 - 10 && weight < estimate * 1.01 + 10
            exit !(total > 100 && live < total && allocs == total && bytes == total_bytes && frees == total - live && near)
        }' probes.heap
}
