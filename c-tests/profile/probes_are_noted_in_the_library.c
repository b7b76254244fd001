/* What tracers look for: the notes of two probes, each with a semaphore. */
#include "profile.h"

int main(void)
{
    Dl_info library;
    char command[PATH_MAX + 100], text[1 << 14];
    require_tinyalloc();
    if (system("command -v readelf >/dev/null 2>&1") != 0) skip("there is no readelf");
    EXPECT(dladdr(need("ta_profile_dump"), &library) != 0);
    snprintf(command, sizeof command, "env -u LD_PRELOAD readelf --notes %s 2>&1", library.dli_fname);
    FILE *found = popen(command, "r");
    EXPECT(found != NULL);
    size_t bytes = fread(text, 1, sizeof text - 1, found);
    text[bytes] = 0;
    pclose(found);
    EXPECT(strstr(text, "Provider: otel_memory") != NULL);
    for (const char *const *name = (const char *const[]){"Name: alloc", "Name: free", NULL}; *name; name++) {
        const char *note = strstr(text, *name);
        EXPECT(note != NULL);
        const char *semaphore = strstr(note, "Semaphore: ");
        EXPECT(semaphore != NULL && strtoull(semaphore + 11, NULL, 16) != 0);
    }
    EXPECT(strstr(text, "Arguments: 8@%rdi 8@%rsi 8@%rdx") != NULL || strstr(text, "Arguments: 8@x0 8@x1 8@x2") != NULL ||
           strstr(text, "Arguments: 8@a0 8@a1 8@a2") != NULL);
}
