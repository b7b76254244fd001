/* jeprof (of jemalloc) opens what we write: the function that allocates is in its table. */
#include "profile.h"

static void *keep[4000];

__attribute__((noinline, used)) void allocating_function(void)
{
    for (int i = 0; i < 4000; i++) keep[i] = malloc(2000);
}

int main(void)
{
    int (*dump)(const char *) = NULL;
    char command[PATH_MAX + 200], table[1 << 16];
    require_tinyalloc();
    if (system("command -v jeprof >/dev/null 2>&1 && command -v nm >/dev/null 2>&1") != 0) skip("there is no jeprof");
    dump = (int (*)(const char *))need("ta_profile_dump");
    EXPECT(option_set("profile", "64K") == 0);
    allocating_function();
    EXPECT(dump("read.heap") == 0);
    snprintf(command, sizeof command, "env -u LD_PRELOAD jeprof --text %s read.heap 2>&1", own_program());
    FILE *found = popen(command, "r");
    EXPECT(found != NULL);
    size_t bytes = fread(table, 1, sizeof table - 1, found);
    table[bytes] = 0;
    if (pclose(found) != 0 || !strstr(table, "allocating_function")) say("%s", table);
    EXPECT(strstr(table, "allocating_function") != NULL);
    EXPECT(strstr(table, "Total: ") != NULL);
    EXPECT(dump("/nowhere/read.heap") == -1 && errno == ENOENT);
    EXPECT(dump("/dev/full") == -1 && errno == ENOSPC);
}
