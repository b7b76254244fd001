/* What sbrk gives is where a second allocator in the same program would take its blocks from. */
#include "expect.h"

static void mistake(void)
{
    char *block = sbrk(64 * KIB);
    if (block == (void *)-1) _exit(EXIT_SKIPPED);
    free(culprit((void *)(((uintptr_t)block + 31) & ~(uintptr_t)15)));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "invalid free of %p");
}
