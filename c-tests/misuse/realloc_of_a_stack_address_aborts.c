#include "expect.h"

static void mistake(void)
{
    char local[64] __attribute__((aligned(64)));
    hidden(realloc(culprit(local), 100));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "%p");
}
