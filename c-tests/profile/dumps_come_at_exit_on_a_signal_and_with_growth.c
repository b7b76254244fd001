/* Each file by its number; and none where the options say so. */
#include "profile.h"

#include <sys/stat.h>

static void *keep[64];

static int work(void)
{
    for (int i = 0; i < 64; i++) {
        keep[i] = malloc(200000);
        memset(keep[i], i, 200000);
        for (int j = 0; j < 200; j++) free(malloc(3000 + 100 * (size_t)j));
    }
    raise(SIGUSR2);
    for (int j = 0; j < 2000; j++) free(malloc(100 * (size_t)j));
    return 0;
}

static int dumps(const char *name)
{
    char path[64];
    int number = 0;
    struct stat found;
    for (;; number++) {
        snprintf(path, sizeof path, "%s.%d", name, number);
        if (stat(path, &found) != 0) return number;
        EXPECT(found.st_size > 1000);
        EXPECT(unlink(path) == 0);
    }
}

static void expect_dumps(const char *options, int least, int most)
{
    char text[256];
    snprintf(text, sizeof text, "profile=64K,profile_file=dump.%%n,%s", options);
    struct run run = run_with(text, "work");
    int found = dumps("dump");
    if (found < least || found > most) say("%s: %d dumps, %s\n", options, found, run.output);
    EXPECT(found >= least && found <= most);
    /* A signal without a handler ends the process. */
    EXPECT(strstr(options, "profile_signal") == NULL || succeeded(&run));
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return work();
    expect_dumps("profile_signal=USR2", 2, 2);
    expect_dumps("profile_signal=USR2,profile_at_exit=off", 1, 1);
    /* 12.8 MB, in steps of half or a megabyte. */
    expect_dumps("profile_signal=USR2,profile_growth=50", 5, 12);
    struct run run = run_with("profile=64K,profile_file=/nowhere/dump,profile_signal=USR2", "work");
    EXPECT(succeeded(&run) && strstr(run.output, "tinyalloc: no heap profile was written: errno 2\n") != NULL);
    run = run_with("profile=64K,profile_file=dump.%n,hardened=on,profile_signal=USR2", "work");
    EXPECT(succeeded(&run) && strstr(run.output, "tinyalloc: no heap profile: ") == run.output);
    EXPECT(dumps("dump") <= 1);
}
