/* One address in every 64 KiB around a small block, metadata included: never a fault, never silence. */
#include "expect.h"

enum { STEP_BYTES = 65536, STEPS = 128 };

static long step;

static void mistake(void)
{
    char *block = malloc(48);
    free(culprit(block + step * STEP_BYTES + 4));
}

int main(void)
{
    require_tinyalloc();
    for (step = -STEPS; step <= STEPS; step++) expect_abort(mistake, "invalid free of %p");
}
