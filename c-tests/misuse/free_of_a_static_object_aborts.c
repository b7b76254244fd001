#include "expect.h"

static char object[4096] __attribute__((aligned(4096)));

static void mistake(void) { free(culprit(object)); }

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "invalid free of %p");
}
