/* The slots of a fresh span that were never handed out lie beyond its carve mark. Which way the span is
 * carved is not promised: slots on both sides are tried, and at most the neighbours may be live ones. */
#include "expect.h"

enum { SLOT_BYTES = 2048 };

static long slots_away;

static void mistake(void)
{
    char *block = malloc(SLOT_BYTES);
    free(culprit(block + slots_away * SLOT_BYTES));
}

int main(void)
{
    require_tinyalloc();
    for (slots_away = 1; slots_away < 40; slots_away++) expect_abort(mistake, "free of %p");
}
