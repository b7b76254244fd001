#include "expect.h"

static void mistake(void)
{
    void *block = malloc(48);
    EXPECT(realloc(block, hidden_size(0)) == NULL);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    expect_abort(mistake, "double free of %p");
}
