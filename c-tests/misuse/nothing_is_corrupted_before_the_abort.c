/* A crash handler sees the heap as it was before the mistake. */
#include "expect.h"

enum { BLOCKS = 300 };

static unsigned char *kept[BLOCKS];

static void handler(int signal_number)
{
    (void)signal_number;
    for (unsigned i = 0; i < BLOCKS; i++)
        if (!is_filled(kept[i], 100, i)) _exit(4);
    signal(SIGABRT, SIG_DFL);
}

static void mistake(void)
{
    for (unsigned i = 0; i < BLOCKS; i++) {
        kept[i] = malloc(100);
        fill(kept[i], 100, i);
    }
    signal(SIGABRT, handler);
    void *block = malloc(100);
    free(block);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p");
}
