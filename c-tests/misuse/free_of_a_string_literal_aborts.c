#include "expect.h"

static void mistake(void) { free(culprit((void *)"a literal")); }

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "invalid free of %p");
}
