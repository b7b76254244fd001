/* glibc's bug 22830: a pending cancellation waits until all is written. */
#include "expect.h"

static volatile int cancelled, finished;

static void *body(void *ignored)
{
    while (!cancelled) continue;
    malloc_stats();
    finished = 1;
    pthread_testcancel();
    return ignored;
}

int main(void)
{
    static char output[64 * 1024];
    int ends[2], console = dup(STDERR_FILENO);
    EXPECT(pipe(ends) == 0);
    fcntl(ends[1], F_SETPIPE_SZ, 64 * 1024);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    pthread_t thread = start(body, NULL);
    EXPECT(pthread_cancel(thread) == 0);
    cancelled = 1;
    void *result = join(thread);
    dup2(console, STDERR_FILENO);
    EXPECT(result == PTHREAD_CANCELED && finished);
    output[read_all(ends[0], output, sizeof output - 1)] = 0;
    char *last = strstr(output, "max mmap bytes   =");
    EXPECT(last && strchr(last, '\n') == strrchr(output, '\n'));
}
