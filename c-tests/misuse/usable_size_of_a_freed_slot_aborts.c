#include "expect.h"

static void mistake(void)
{
    void *block = malloc(48);
    free(block);
    hidden_size(malloc_usable_size(culprit(block)));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "%p");
}
