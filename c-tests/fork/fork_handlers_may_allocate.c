/* Perl/perl5#13687: other libraries' handlers run between ours, on either side. */
#include "expect.h"

enum { ROUNDS = 50 };

static void *kept;
static volatile bool stop;

static void churn(void)
{
    free(kept);
    for (unsigned i = 0; i < 100; i++) free(malloc(i * 100));
    kept = malloc(100000);
    EXPECT(kept != NULL);
    free(realloc(malloc(10), 300));
}

__attribute__((constructor(101))) static void register_before_main(void) { pthread_atfork(churn, churn, churn); }

static void *busy(void *ignored)
{
    for (unsigned i = 0; !stop; i++) free(malloc(i * 61 % 100000));
    return ignored;
}

int main(void)
{
    watchdog(50);
    EXPECT(pthread_atfork(churn, churn, churn) == 0);
    pthread_t thread[2] = {start(busy, NULL), start(busy, NULL)};
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            churn();
            _exit(0);
        }
        expect_child_exits_0(child);
    }
    stop = true;
    join(thread[0]);
    join(thread[1]);
}
