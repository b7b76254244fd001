#include "background.h"
#include <malloc.h>
#include "system_files.h"

struct system_file system_file[SYSTEM_FILES_MAX] = {
    {"/proc/self/cgroup", "0::/a/b\n"},
    {"/sys/fs/cgroup/a/memory.pressure", ""},
    {"/proc/pressure/memory", ""},
};

static bool is_there(void) { return background_thread() != 0; }
static bool is_gone(void) { return background_thread() == 0; }
static bool is_watched(void) { return polls > 0; }
static bool is_watched_anew(void) { return triggers > 1; }
static bool is_answered(void) { return __atomic_load_n(&poll_answer, __ATOMIC_SEQ_CST) == 0; }

static void answer_with(short events) { __atomic_store_n(&poll_answer, events, __ATOMIC_SEQ_CST); }

static size_t purges(void)
{
    usleep(300000);
    return stats().purges;
}

static void an_event_takes_what_is_free(void)
{
    burst();
    answer_with(POLLPRI);
    EXPECT(comes_true(is_answered));
    size_t before = purges();
    /* The first one was passed over: this is what was free. */
    EXPECT(mallinfo2().keepcost > 0);
    answer_with(POLLPRI);
    EXPECT(comes_true(is_answered));
    EXPECT(purges() > before);
    EXPECT(mallinfo2().keepcost == 0);
}

static void the_child_of_a_fork_watches_for_itself(void)
{
    int status = 0;
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        triggers = 1;
        burst();
        _exit(!comes_true(is_watched_anew));
    }
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
}

/* purge=never: nothing goes back as time passes. */
static int check(void)
{
    EXPECT(option_is("pressure", "on") && option_is("background_purge", "off"));
    burst();
    EXPECT(comes_true(is_there) && comes_true(is_watched));
    EXPECT(triggers == 1 && memcmp(trigger, "some 150000 2000000", 20) == 0);
    an_event_takes_what_is_free();
    /* The group is gone, or the program closed the file: it is opened again, and its first event
     * passed over. */
    answer_with(POLLPRI | POLLERR);
    EXPECT(comes_true(is_watched_anew));
    EXPECT(option_is("pressure", "on"));
    an_event_takes_what_is_free();
    the_child_of_a_fork_watches_for_itself();
    EXPECT(option_set("pressure", "off") == 0);
    EXPECT(comes_true(is_gone));
    return 0;
}

static bool is_off(void) { return option_is("pressure", "off"); }

static int check_refused(void)
{
    memset(system_file, 0, sizeof system_file);
    burst();
    EXPECT(comes_true(is_off) && comes_true(is_gone));
    burst();
    EXPECT(is_gone());
    return 0;
}

/* Only the machine's file can be opened. */
static int check_machine(void)
{
    memset(&system_file[1], 0, sizeof system_file[1]);
    burst();
    EXPECT(comes_true(is_watched) && option_is("pressure", "on"));
    return 0;
}

int main(int arguments, char **argument)
{
    static const char line[] = "tinyalloc: pressure is off: ";
    require_tinyalloc();
    if (arguments > 1)
        return strcmp(argument[1], "refused") == 0 ? check_refused() : strcmp(argument[1], "machine") == 0 ? check_machine() : check();
    struct run run = run_with("pressure=on,purge=never", "check");
    EXPECT(succeeded(&run) && run.output[0] == 0);
    run = run_with("pressure=on,purge=never", "machine");
    EXPECT(succeeded(&run) && run.output[0] == 0);
    run = run_with("pressure=on,purge=never", "refused");
    EXPECT(succeeded(&run) && strncmp(run.output, line, strlen(line)) == 0);
    EXPECT(strchr(run.output, '\n') == run.output + strlen(run.output) - 1);
}
