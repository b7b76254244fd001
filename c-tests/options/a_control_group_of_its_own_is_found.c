/* In a real control group of version 2, made for this test: its pressure is watched, and its limit
 * counts. */
#include "background.h"
#include <sys/stat.h>

static char group[PATH_MAX], link_text[PATH_MAX];

static bool write_file(const char *name, const char *text)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", group, name);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return false;
    bool is_written = write(file, text, strlen(text)) == (ssize_t)strlen(text);
    close(file);
    return is_written;
}

/* Below the group of this process. */
static bool make_group(const char *mount)
{
    char own[4096], *path;
    snprintf(group, sizeof group, "%s/cgroup.controllers", mount);
    if (access(group, F_OK) != 0 || !proc_text("/proc/self/cgroup", own, sizeof own) || !(path = strstr(own, "0::/"))) return false;
    path += strlen("0::");
    path[strcspn(path, "\n")] = 0;
    snprintf(group, sizeof group, "%s%s/tinyalloc-test-%d", mount, path, (int)getpid());
    return mkdir(group, 0755) == 0;
}

static bool watches_the_group(void)
{
    char path[64];
    for (int file = 100; file < 110; file++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        ssize_t length = readlink(path, link_text, sizeof link_text - 1);
        link_text[length < 0 ? 0 : length] = 0;
        if (strstr(link_text, "/tinyalloc-test-") && strstr(link_text, "/memory.pressure")) return true;
    }
    return false;
}

static int check(bool limited, bool watched)
{
    burst();
    if (limited) EXPECT_REFUSED(malloc(40 * MIB), ENOMEM);
    if (watched) EXPECT(comes_true(watches_the_group));
    EXPECT(option_is("pressure", watched ? "on" : "off"));
    return 0;
}

int main(int arguments, char **argument)
{
    static char words[8];
    require_tinyalloc();
    if (arguments > 1) return check(argument[1][0] == 'l', argument[1][1] == 'p');
    if (!make_group("/sys/fs/cgroup") && !make_group("/sys/fs/cgroup/unified")) skip("no control group can be made");
    words[0] = write_file("memory.max", "67108864") ? 'l' : '-';
    snprintf(link_text, sizeof link_text, "%s/memory.pressure", group);
    words[1] = access(link_text, W_OK) == 0 ? 'p' : '-';
    pid_t child = fork();
    if (child == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", (int)getpid());
        if (!write_file("cgroup.procs", number)) _exit(EXIT_SKIPPED);
        struct run run = run_with(words[1] == 'p' ? "limit=50%,pressure=on" : "limit=50%", words);
        _exit(succeeded(&run) ? 0 : 1);
    }
    int status = 0;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child);
    rmdir(group);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) skip("no process can be moved to a control group");
    EXPECT(status == 0);
    if (strcmp(words, "--") == 0) skip("the control group has no files about memory");
}
