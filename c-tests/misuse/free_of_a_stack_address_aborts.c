#include "expect.h"

static void mistake(void)
{
    char local[256] __attribute__((aligned(64)));
    free(culprit(local));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "invalid free of %p");
}
