// modes: linked static
#include "typed.h"

#define malloc(bytes) __alloc_token_malloc(bytes, 1)
#define realloc(block, bytes) __alloc_token_realloc(block, bytes, 0)
#include "../signals/timer.h"

static volatile int hits;

static void handler(int signal_number)
{
    int error = errno;
    void *block[8];
    (void)signal_number;
    for (unsigned i = 0; i < 8; i++) {
        block[i] = malloc(i * 97 + 1);
        EXPECT(block[i] != NULL);
        fill(block[i], i * 97 + 1, i);
    }
    for (unsigned i = 0; i < 8; i++) {
        EXPECT(is_filled(block[i], i * 97 + 1, i));
        free(block[i]);
    }
    hits++;
    errno = error;
}

int main(int count, char **arguments)
{
    (void)arguments;
    if (count == 1) {
        expect_again_with("partitions=2");
        expect_again_with("partitions=2,hardened=on");
        return 0;
    }
    require_tinyalloc();
    watchdog(25);
    timer_start(handler, 200);
    churn_until(&hits, 1500);
}
