/* Programs that run under valgrind's memcheck, which knows every block: `valgrind=on`. */
#ifndef MEMCHECK_H
#define MEMCHECK_H

#include "options.h"

enum { MEMCHECK_OUTPUT_BYTES_MAX = 1 << 20 };

/* Runs this program under memcheck, with one argument. Returns what was written to stderr. */
UNUSED static const char *under_memcheck(const char *argument)
{
    static char output[MEMCHECK_OUTPUT_BYTES_MAX];
    int ends[2], status = 0;
    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        /* The library serves the calls itself, and is not replaced. */
        char *arguments[] = {(char *)"valgrind",          (char *)"-q",
                             (char *)"--leak-check=full", (char *)"--soname-synonyms=somalloc=nouserintercepts",
                             (char *)own_program(),       (char *)argument,
                             NULL};
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        setenv("TINYALLOC_OPTIONS", "valgrind=on", 1);
        execvp("valgrind", arguments);
        _exit(EXIT_SKIPPED);
    }
    close(ends[1]);
    output[read_all(ends[0], output, sizeof output - 1)] = 0;
    close(ends[0]);
    EXPECT(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) skip("there is no valgrind");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
    say("status %#x under valgrind: %s\n", (unsigned)status, output);
    _exit(1);
}

/* Both are said of one mistake: what memcheck calls it, and which block it was. */
UNUSED static void expect_memcheck(const char *mistake, const char *what, const char *block)
{
    const char *output = under_memcheck(mistake);
    const char *found = strstr(output, what);
    if (found && strstr(found, block)) return;
    say("%s: expected \"%s\" and \"%s\" in: %.3000s\n", mistake, what, block, output);
    _exit(1);
}

UNUSED static void expect_clean(const char *argument)
{
    const char *output = under_memcheck(argument);
    if (output[0]) say("%s: expected nothing, got: %.3000s\n", argument, output);
    EXPECT(output[0] == 0);
}

#endif
