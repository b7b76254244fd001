#include "expect.h"

static void *allocate(void *ignored)
{
    (void)ignored;
    void **pair = malloc(2 * sizeof *pair);
    pair[0] = malloc(48);
    pair[1] = malloc(48);
    return pair;
}

static void mistake(void)
{
    void **pair = join(start(allocate, NULL));
    free(pair[0]);
    free(culprit(pair[0]));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p");
}
