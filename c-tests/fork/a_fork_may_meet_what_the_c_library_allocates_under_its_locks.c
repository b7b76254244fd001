/* atexit allocates under a lock of the C library's, which musl's fork takes after the handlers have
 * taken ours. Two threads must not wait for each other. */
#include "expect.h"

enum { HANDLERS = 20000, FORKS = 300 };

static volatile bool ended;

static void at_exit(void) {}

static void *register_handlers(void *nothing)
{
    for (int i = 0; i < HANDLERS && !ended; i++) EXPECT(atexit(at_exit) == 0);
    ended = true;
    return nothing;
}

static void *allocate(void *nothing)
{
    while (!ended)
        for (size_t bytes = 16; bytes < 100000; bytes += bytes / 2) free(malloc(bytes));
    return nothing;
}

int main(void)
{
    pthread_t threads[2];
    watchdog(50);
    EXPECT(pthread_create(&threads[0], NULL, register_handlers, NULL) == 0);
    EXPECT(pthread_create(&threads[1], NULL, allocate, NULL) == 0);
    for (int i = 0; i < FORKS; i++) {
        int status = 0;
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0) {
            free(malloc(1000));
            _exit(0);
        }
        EXPECT(waitpid(child, &status, 0) == child && status == 0);
    }
    ended = true;
    for (size_t i = 0; i < COUNT_OF(threads); i++) join(threads[i]);
    _exit(0);
}
