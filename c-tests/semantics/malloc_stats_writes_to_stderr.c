#include "expect.h"

int main(void)
{
    char output[OUTPUT_BYTES_MAX];
    int ends[2], console = dup(STDERR_FILENO);
    EXPECT(pipe(ends) == 0);
    dup2(ends[1], STDERR_FILENO);
    malloc_stats();
    fflush(stderr);
    dup2(console, STDERR_FILENO);
    close(ends[1]);
    size_t bytes = read_all(ends[0], output, sizeof output);
    EXPECT(bytes > 0);
    EXPECT(output[bytes - 1] == '\n');
}
