/* A thread without a heap once took the local path: its owner value and the unowned slices' were both 0. */
#include "expect.h"
#include "wild_pointers.h"

static uintptr_t wild;

static void *remote(void *pointer)
{
    free(culprit(pointer));
    return NULL;
}

static void mistake(void) { run_in_thread(remote, (void *)wild); }

int main(void)
{
    require_tinyalloc();
    for (size_t i = 0; i < COUNT_OF(WILD); i++) {
        wild = WILD[i];
        expect_abort(mistake, "invalid free of %p");
    }
}
