#include "expect.h"
#include <sys/time.h>

enum { FORKS = 300, BLOCKS = 64 };

static volatile int forks;

static void handler(int signal_number)
{
    int error = errno;
    (void)signal_number;
    pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
    forks++;
    errno = error;
}

/* Large blocks: every call takes the lock. */
static void *churn(void *offset)
{
    unsigned char mark = (unsigned char)(size_t)offset;
    unsigned char *block[BLOCKS] = {NULL};
    for (unsigned seed = mark; forks < FORKS;) {
        seed = seed * 1103515245 + 12345;
        unsigned at = (seed >> 16) % BLOCKS;
        if (block[at]) {
            EXPECT(block[at][0] == (unsigned char)(at + mark) && block[at][50000] == (unsigned char)(at + mark));
            free(block[at]);
            block[at] = NULL;
        } else {
            block[at] = malloc(60000 + (seed >> 20));
            EXPECT(block[at] != NULL);
            block[at][0] = block[at][50000] = (unsigned char)(at + mark);
        }
    }
    for (int at = 0; at < BLOCKS; at++) free(block[at]);
    return NULL;
}

int main(void)
{
    require_tinyalloc();
    watchdog(50);
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
    pthread_t other = start(churn, (void *)100);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
    struct itimerval every = {{0, 2000}, {0, 2000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &every, NULL);
    churn(NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    join(other);
}
