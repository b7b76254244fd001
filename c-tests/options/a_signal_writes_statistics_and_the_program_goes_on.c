/* Also a signal that comes while the program is inside the allocator: it is answered a little
 * later, with real numbers. */
#include "options.h"

enum { SIGNALS = 300, ROUNDS = 200000 };

static volatile sig_atomic_t is_over;

static void *shooter(void *target)
{
    for (int i = 0; i < SIGNALS; i++) {
        pthread_kill(*(pthread_t *)target, SIGUSR1);
        usleep(200);
    }
    is_over = 1;
    return NULL;
}

static int work(void)
{
    static void *block[256];
    pthread_t self = pthread_self(), thread = start(shooter, &self);
    errno = ERRNO_UNTOUCHED;
    for (size_t i = 0; !is_over || i < ROUNDS; i++) {
        free(block[i % 256]);
        block[i % 256] = malloc(i * 97 % 30000);
        EXPECT(block[i % 256] != NULL);
        EXPECT(errno == ERRNO_UNTOUCHED);
    }
    join(thread);
    return 0;
}

int main(int arguments, char **argument)
{
    static char text[4 << 20];
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return work();
    int file = open("reports", O_RDWR | O_CREAT | O_TRUNC, 0600), console = dup(STDERR_FILENO);
    EXPECT(file >= 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(file, STDERR_FILENO);
        setenv("TINYALLOC_OPTIONS", "stats_signal=USR1,stats_at_exit=json", 1);
        execl(own_program(), "again", "work", (char *)NULL);
        _exit(9);
    }
    expect_child_exits_0(child);
    dup2(console, STDERR_FILENO);
    EXPECT(lseek(file, 0, SEEK_SET) == 0);
    text[read_all(file, text, sizeof text - 1)] = 0;
    int reports = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, reports++) {
        *end = 0;
        EXPECT(strncmp(line, "{\"tinyalloc\":{", 14) == 0);
        EXPECT(strcmp(end - 4, "}]}}") == 0);
        EXPECT(strstr(line, "\"reserved\":0,") == NULL);
    }
    /* Signals that come while one is pending are one. */
    EXPECT(reports >= 2 && reports <= SIGNALS + 1);
}
