#include "expect.h"

enum { BLOCKS = 300 };

static void handler(int signal_number)
{
    (void)signal_number;
    unsigned char *block[BLOCKS];
    for (unsigned i = 0; i < BLOCKS; i++) {
        block[i] = malloc(48 + i * 16);
        if (!block[i]) _exit(4);
        fill(block[i], 48 + i * 16, i);
    }
    for (unsigned i = 0; i < BLOCKS; i++) {
        if (!is_filled(block[i], 48 + i * 16, i)) _exit(5);
        free(block[i]);
    }
    signal(SIGABRT, SIG_DFL);
}

static void mistake(void)
{
    signal(SIGABRT, handler);
    void *block = malloc(48);
    free(block);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p");
}
