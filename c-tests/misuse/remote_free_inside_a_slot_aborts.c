#include "expect.h"

static size_t offset;

static void *remote(void *block)
{
    free(culprit((char *)block + offset));
    return NULL;
}

static void mistake(void) { run_in_thread(remote, malloc(96)); }

int main(void)
{
    require_tinyalloc();
    for (offset = 1; offset < 96; offset++) expect_abort(mistake, "invalid free of %p");
}
