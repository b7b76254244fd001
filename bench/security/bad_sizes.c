#define _GNU_SOURCE 1
#include "mistake.h"

#include <dlfcn.h>

typedef void sized_free(void *, size_t);

static void sized_free_with(const char *name, size_t bytes)
{
    sized_free *release = (sized_free *)(uintptr_t)need(name);
    char *block = surrounded_block(SMALL);
    calling();
    release(block, bytes);
    go_on(SMALL);
}

static void free_sized_too_small(void) { sized_free_with("free_sized", 16); }
static void free_sized_too_large(void) { sized_free_with("free_sized", 4 * SMALL); }
static void delete_too_small(void) { sized_free_with("_ZdlPvm", 16); }
static void delete_too_large(void) { sized_free_with("_ZdlPvm", 4 * SMALL); }

static void refused(const void *block) { end(block == NULL ? NO_HARM : HARM); }

static void calloc_overflow(void)
{
    calling();
    refused(calloc(SIZE_MAX / 8 + 2, 8));
}

static void reallocarray_overflow(void)
{
    char *block = block_of(SMALL);
    calling();
    refused(reallocarray(block, SIZE_MAX / 8 + 2, 8));
}

static void malloc_beyond_all(void)
{
    calling();
    refused(malloc(SIZE_MAX - 7));
}

static void malloc_beyond_ptrdiff(void)
{
    calling();
    refused(malloc((size_t)PTRDIFF_MAX + 1));
}

static void realloc_beyond_all(void)
{
    char *block = block_of(SMALL);
    calling();
    refused(realloc(block, SIZE_MAX - 7));
}

static void memalign_beyond_all(void)
{
    calling();
    refused(memalign(PAGE, SIZE_MAX - 7));
}

static void pvalloc_beyond_all(void)
{
    calling();
    refused(pvalloc(SIZE_MAX - 7));
}

static const struct mistake MISTAKES[] = {
    {"free_sized with a size too small", free_sized_too_small},
    {"free_sized with a size too large", free_sized_too_large},
    {"sized operator delete with a size too small", delete_too_small},
    {"sized operator delete with a size too large", delete_too_large},
    {"calloc whose product overflows", calloc_overflow},
    {"reallocarray whose product overflows", reallocarray_overflow},
    {"malloc(SIZE_MAX - 7)", malloc_beyond_all},
    {"malloc(PTRDIFF_MAX + 1)", malloc_beyond_ptrdiff},
    {"realloc to SIZE_MAX - 7", realloc_beyond_all},
    {"memalign of SIZE_MAX - 7", memalign_beyond_all},
    {"pvalloc(SIZE_MAX - 7)", pvalloc_beyond_all},
};

const struct group BAD_SIZES = {"Wrong and impossible sizes", MISTAKES, COUNT_OF(MISTAKES)};
