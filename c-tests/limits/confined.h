#ifndef CONFINED_H
#define CONFINED_H

#include "hard_times.h"

/* Restarts the program under a limit on `resource`, so that the limit holds before the library's
 * first call. */
static void confine(char **argument, int resource, size_t bytes)
{
    struct rlimit limit = {bytes, bytes};
    char *const again[] = {argument[0], (char *)"inside", NULL};
    EXPECT(setrlimit(resource, &limit) == 0);
    execv("/proc/self/exe", again);
    _exit(127);
}

/* Runs `confine` in a child. Returns false when not even the dynamic linker could start there. */
UNUSED static bool starts_confined(char **argument, int resource, size_t bytes)
{
    int status = 0;
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) confine(argument, resource, bytes);
    EXPECT(waitpid(child, &status, 0) == child);
    bool linker_failed = (WIFEXITED(status) && WEXITSTATUS(status) == 127) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
#ifndef __GLIBC__
    /* A program of nothing dies of it there, too. */
    linker_failed |= bytes <= MIB && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
#endif
    if (!linker_failed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) say("under %zu bytes: status %#x\n", bytes, status);
    EXPECT(linker_failed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return !linker_failed;
}

/* Takes memory until it is refused, returns it, takes it again. Returns the bytes it got. */
UNUSED static size_t exhaust(size_t block_bytes, size_t bytes_max)
{
    size_t got[2] = {0, 0};
    for (int round = 0; round < 2; round++) {
        void **chain = NULL, **block = NULL;
        errno = 0;
        while (got[round] < bytes_max && (block = malloc(block_bytes))) {
            *block = chain;
            chain = block;
            got[round] += block_bytes;
        }
        EXPECT(block || errno == ENOMEM);
        for (; chain; chain = block) {
            block = *chain;
            free(chain);
        }
    }
    EXPECT(got[1] >= got[0] - got[0] / 8);
    return got[0];
}

#endif
