#include "expect.h"

static size_t offset;

static void mistake(void)
{
    char *block = malloc(96);
    hidden_size(malloc_usable_size(culprit(block + offset)));
}

int main(void)
{
    require_tinyalloc();
    for (offset = 1; offset < 96; offset++) expect_abort(mistake, "%p");
}
