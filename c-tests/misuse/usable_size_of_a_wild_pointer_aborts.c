#include "expect.h"
#include "wild_pointers.h"

static uintptr_t wild;

static void mistake(void) { hidden_size(malloc_usable_size(culprit((void *)wild))); }

int main(void)
{
    require_tinyalloc();
    for (size_t i = 0; i < COUNT_OF(WILD); i++) {
        wild = WILD[i];
        expect_abort(mistake, "%p");
    }
}
