#include "expect.h"

static void mistake(void)
{
    char local[64] __attribute__((aligned(64)));
    hidden_size(malloc_usable_size(culprit(local)));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "%p");
}
