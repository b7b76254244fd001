/* The slot lies somewhere inside its span's list of free slots, not at its head. */
#include "expect.h"

static void mistake(void)
{
    void *kept[64], *block;
    for (int i = 0; i < 64; i++) kept[i] = malloc(100);
    block = kept[20];
    free(kept[20]);
    for (int i = 30; i < 60; i++) free(kept[i]);
    for (int i = 30; i < 50; i++) kept[i] = malloc(100);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p");
}
