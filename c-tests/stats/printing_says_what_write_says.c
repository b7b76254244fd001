#include "stats.h"

static void *reader(void *from)
{
    static char text[64 * 1024];
    size_t bytes = 0;
    ssize_t got;
    /* Slowly, so that the pipe is full most of the time. */
    while ((got = read(*(int *)from, text + bytes, 100)) > 0) bytes += (size_t)got;
    EXPECT(bytes > 0 && text[bytes - 1] == '\n');
    return (void *)bytes;
}

int main(void)
{
    int ends[2], to;
    size_t bytes = 0;
    require_tinyalloc();
    errno = ERRNO_UNTOUCHED;
    EXPECT(stats_print(JSON, -1) == -1 && errno == EBADF);
    EXPECT(stats_print(FORMATS, STDERR_FILENO) == -1 && errno == EINVAL);
    if ((to = open("/dev/full", O_WRONLY)) >= 0) EXPECT(stats_print(TEXT, to) == -1 && errno == ENOSPC);
    EXPECT(pipe(ends) == 0);
    fcntl(ends[1], F_SETPIPE_SZ, 4096);
    pthread_t thread = start(reader, &ends[0]);
    errno = ERRNO_UNTOUCHED;
    for (int i = 0; i < 8; i++) {
        bytes += stats_text(i % FORMATS, NULL, 0);
        EXPECT(stats_print(i % FORMATS, ends[1]) == 0);
    }
    EXPECT(errno == ERRNO_UNTOUCHED);
    close(ends[1]);
    EXPECT(join(thread) == (void *)bytes);
}
