#include "expect.h"

enum { SLOTS = 128 };

static int chosen;

static void mistake(void)
{
    void *slot[SLOTS];
    for (int i = 0; i < SLOTS; i++) slot[i] = malloc(512);
    for (int i = 0; i < SLOTS; i++) free(slot[i]);
    free(culprit(slot[chosen]));
}

int main(void)
{
    require_tinyalloc();
    for (chosen = 0; chosen < SLOTS; chosen++) expect_abort(mistake, "free of %p");
}
