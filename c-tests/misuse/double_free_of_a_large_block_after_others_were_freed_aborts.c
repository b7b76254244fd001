/* The freed neighbours have coalesced: the record of the block's start is gone. */
#include "expect.h"

static void mistake(void)
{
    void *block[8];
    for (int i = 0; i < 8; i++) block[i] = malloc(200 * KIB);
    for (int i = 0; i < 8; i++) free(block[i]);
    free(culprit(block[4]));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "free of %p");
}
