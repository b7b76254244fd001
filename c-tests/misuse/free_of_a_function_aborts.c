#include "expect.h"

static void mistake(void) { free(culprit((void *)mistake)); }

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "invalid free of %p");
}
