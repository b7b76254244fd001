/* Inside the reservation, or just outside: nothing there was ever committed, and looking must not fault. */
#include "expect.h"

static size_t distance;
static bool below;

static void mistake(void)
{
    char *block = malloc(48);
    free(culprit(below ? block - distance : block + distance));
}

int main(void)
{
    require_tinyalloc();
    for (distance = 16 * MIB; distance <= (size_t)1 << 42; distance *= 2) {
        below = false;
        expect_abort(mistake, "invalid free of %p");
        below = true;
        expect_abort(mistake, "invalid free of %p");
    }
}
