#include "expect.h"

static void (*release)(void *);

static void sized(void *block) { ((void (*)(void *, size_t))need("free_sized"))(block, 48); }
static void aligned(void *block) { ((void (*)(void *, size_t, size_t))need("free_aligned_sized"))(block, 16, 48); }
static void flagged(void *block) { ((void (*)(void *, size_t, int))need("sdallocx"))(block, 48, 0); }
static void zeroed(void *block) { ((void (*)(void *, size_t))need("freezero"))(block, 0); }
static void sized_delete(void *block) { ((void (*)(void *, size_t))need("_ZdlPvm"))(block, 48); }

static void mistake(void)
{
    void *block = malloc(48);
    free(block);
    release(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    void (*names[])(void *) = {(void (*)(void *))need("cfree"), (void (*)(void *))need("__libc_free"), (void (*)(void *))need("_ZdlPv"),
                               (void (*)(void *))need("_ZdaPv"), sized, aligned, flagged, zeroed, sized_delete};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        release = names[i];
        expect_abort(mistake, "double free of %p");
    }
}
