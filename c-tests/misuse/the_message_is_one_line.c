#include "expect.h"

int main(void)
{
    require_tinyalloc();
    char output[OUTPUT_BYTES_MAX];
    int ends[2], status = 0;
    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        void *block = malloc(48);
        free(block);
        free(hidden(block));
        _exit(3);
    }
    close(ends[1]);
    output[read_all(ends[0], output, sizeof output - 1)] = 0;
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    EXPECT(strncmp(output, "tinyalloc: double free of 0x", 28) == 0);
    char *end = strchr(output, '\n');
    EXPECT(end != NULL);
    EXPECT(end[1] == 0);
}
