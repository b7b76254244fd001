/* measure REPORT LIBRARY|- terminal|pipes|pipes-without-huge-pages PROGRAM [ARGUMENT...]
 *
 * Runs a program, preloaded with LIBRARY, and writes to REPORT first "pid P" and at the end
 * "cost STATUS USER_MICROSECONDS SYSTEM_MICROSECONDS WALL_MICROSECONDS PEAK_KIB PAGE_FAULTS".
 *
 * Without huge pages, the kernel gives the program and its children none, whatever an allocator
 * asks for: the same for all of them.
 *
 * Linux counts the pages of the process that forks towards the peak of the program it then
 * executes, so the process that forks must be smaller than all that is measured. Python is not;
 * this is.
 *
 * No process outlives this one: it adopts orphans, and ends all descendants when the program ends,
 * when it gets SIGTERM, or when its parent dies. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *children_file = "/proc/thread-self/children";
static volatile sig_atomic_t stopping;

static void end_children(void) {
    char text[4096];
    int file = open(children_file, O_RDONLY);
    if (file < 0) return;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    if (length <= 0) return;
    text[length] = 0;
    for (char *rest = text, *end; ; rest = end) {
        long child = strtol(rest, &end, 10);
        if (end == rest || child <= 1) return;
        kill((pid_t)child, SIGKILL);
    }
}

static void stop(int signal_number) {
    (void)signal_number;
    stopping = 1;
    end_children();
}

/* Each round ends one generation; its orphans become our children. */
static void end_descendants(void) {
    do {
        end_children();
    } while (wait(NULL) > 0 || errno == EINTR);
}

static void become_program(const char *library, const char *mode, char **command) {
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGTTOU, SIG_DFL);
    if (strcmp(mode, "terminal") == 0) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(0, getpgrp());
        signal(SIGTTOU, SIG_DFL);
    }
    if (strcmp(mode, "pipes-without-huge-pages") == 0 && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) {
        dprintf(2, "huge pages cannot be refused: %s\n", strerror(errno));
        _exit(126);
    }
    if (strcmp(library, "-") != 0) setenv("LD_PRELOAD", library, 1);
    execvp(command[0], command);
    dprintf(2, "%s: %s\n", command[0], strerror(errno));
    _exit(127);
}

static long microseconds(struct timeval time) { return time.tv_sec * 1000000L + time.tv_usec; }

static long now_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static void prepare(const char *mode) {
    if (strcmp(mode, "terminal") == 0) {
        setsid();
        ioctl(0, TIOCSCTTY, 0);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, stop);
    signal(SIGTERM, stop);
}

int main(int count, char **arguments) {
    if (count < 5) return 2;
    int report = open(arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (report < 0) return 2;
    prepare(arguments[3]);

    long start = now_microseconds();
    pid_t program = fork();
    if (program == 0) become_program(arguments[2], arguments[3], arguments + 4);
    dprintf(report, "pid %d\n", program);

    int status = 0;
    struct rusage usage;
    while (wait4(program, &status, 0, &usage) < 0 && errno == EINTR)
        if (stopping) end_children();
    long wall = now_microseconds() - start;
    end_descendants();
    dprintf(report, "cost %d %ld %ld %ld %ld %ld\n", status, microseconds(usage.ru_utime), microseconds(usage.ru_stime), wall,
            usage.ru_maxrss, usage.ru_minflt + usage.ru_majflt);
    return 0;
}
