/* Tests that need a process of their own: this program is started anew, with other options. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "expect.h"

struct run {
    int status;
    char output[OUTPUT_BYTES_MAX]; /* what it wrote to stderr */
};

/* By its name: under valgrind the link leads to valgrind. */
UNUSED static const char *own_program(void)
{
    static char program[PATH_MAX];
    EXPECT(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    return program;
}

/* Starts this program again with TINYALLOC_OPTIONS and one argument. */
UNUSED static struct run run_with(const char *options, const char *argument)
{
    static struct run run;
    int ends[2];
    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        char *arguments[] = {(char *)"again", (char *)argument, NULL};
        setrlimit(RLIMIT_CORE, &none);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("TINYALLOC_OPTIONS", options, 1);
        execv(own_program(), arguments);
        _exit(9);
    }
    close(ends[1]);
    run.output[read_all(ends[0], run.output, sizeof run.output - 1)] = 0;
    close(ends[0]);
    EXPECT(waitpid(child, &run.status, 0) == child);
    return run;
}

UNUSED static bool succeeded(const struct run *run)
{
    if (WIFEXITED(run->status) && WEXITSTATUS(run->status) == 0) return true;
    say("status %#x, output: %s\n", (unsigned)run->status, run->output);
    return false;
}

UNUSED static int option_get(const char *name, char *value, size_t bytes)
{
    int (*get)(const char *, char *, size_t) = (int (*)(const char *, char *, size_t))need("ta_option_get");
    return get(name, value, bytes);
}

UNUSED static int option_set(const char *name, const char *value)
{
    int (*set)(const char *, const char *) = (int (*)(const char *, const char *))need("ta_option_set");
    return set(name, value);
}

UNUSED static bool option_is(const char *name, const char *expected)
{
    char value[600];
    return option_get(name, value, sizeof value) == (int)strlen(value) && strcmp(value, expected) == 0;
}

#endif
