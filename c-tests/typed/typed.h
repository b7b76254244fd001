/* Requests with tokens, as Clang makes them, and which slices served which partition. */
#ifndef TYPED_H
#define TYPED_H

#include "../options/options.h"

#ifdef __cplusplus
extern "C" {
#endif
void *__alloc_token_malloc(size_t, size_t);
void *__alloc_token_calloc(size_t, size_t, size_t);
void *__alloc_token_realloc(void *, size_t, size_t);
void *__alloc_token_reallocarray(void *, size_t, size_t, size_t);
void *__alloc_token_aligned_alloc(size_t, size_t, size_t);
void *__alloc_token_memalign(size_t, size_t, size_t);
int __alloc_token_posix_memalign(void **, size_t, size_t, size_t);
void *__alloc_token_valloc(size_t, size_t);
void *__alloc_token_pvalloc(size_t, size_t);
#ifdef __cplusplus
}
#endif

enum { SLICE_SHIFT = 14, SLICES_KNOWN = 1 << 16, UNTYPED = 0 };

static struct {
    uintptr_t slice;
    int owner;
} owners[SLICES_KNOWN];
static pthread_mutex_t owners_lock = PTHREAD_MUTEX_INITIALIZER;

/* Notes that the slices of a block are its owner's; false if one was another's. Blocks of 32 MiB
 * and more have no slices. */
UNUSED static bool is_alone(const void *block, int owner)
{
    uintptr_t first = (uintptr_t)block >> SLICE_SHIFT;
    uintptr_t last = ((uintptr_t)block + malloc_usable_size((void *)block) - 1) >> SLICE_SHIFT;
    bool alone = true;
    pthread_mutex_lock(&owners_lock);
    for (uintptr_t slice = first; slice <= last; slice++) {
        size_t at = slice * 2654435761u % SLICES_KNOWN;
        while (owners[at].slice != 0 && owners[at].slice != slice) at = (at + 1) % SLICES_KNOWN;
        if (owners[at].slice == slice && owners[at].owner != owner) alone = false;
        owners[at].slice = slice;
        owners[at].owner = owner;
    }
    pthread_mutex_unlock(&owners_lock);
    return alone;
}

/* Runs `main` again with options; everything is expected there. */
UNUSED static void expect_again_with(const char *options)
{
    struct run run = run_with(options, "again");
    if (!succeeded(&run)) {
        say("with %s\n", options);
        EXPECT(false);
    }
}

#endif
