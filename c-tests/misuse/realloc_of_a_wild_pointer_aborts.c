#include "expect.h"
#include "wild_pointers.h"

static uintptr_t wild;

static void mistake(void) { hidden(realloc(culprit((void *)wild), 100)); }

int main(void)
{
    require_tinyalloc();
    for (size_t i = 0; i < COUNT_OF(WILD); i++) {
        wild = WILD[i];
        expect_abort(mistake, "%p");
    }
}
