#define KIND "Wrong and impossible sizes"

static void release_as(const char *name, size_t bytes)
{
    void (*release)(void *, size_t) = (void (*)(void *, size_t))function(name);
    char *block = surrounded_block(SMALL);
    calling();
    release(culprit(block), bytes);
}

MISTAKE(free_sized_with_a_size_too_small,
        BY_OPTIONS(IS_HARMLESS, ABORTS("size mismatch: %p"), ABORTS("size mismatch: %p")),
        TITLES("free_sized with a size too small"))
{
    release_as("free_sized", 16);
}

MISTAKE(free_sized_with_a_size_too_large,
        BY_OPTIONS(IS_HARMLESS, ABORTS("size mismatch: %p"), ABORTS("size mismatch: %p")),
        TITLES("free_sized with a size too large"))
{
    release_as("free_sized", 4 * SMALL);
}

MISTAKE(sized_delete_with_a_size_too_small,
        BY_OPTIONS(IS_HARMLESS, ABORTS("size mismatch: %p"), ABORTS("size mismatch: %p")),
        TITLES("sized operator delete with a size too small"))
{
    release_as("_ZdlPvm", 16);
}

MISTAKE(sized_delete_with_a_size_too_large,
        BY_OPTIONS(IS_HARMLESS, ABORTS("size mismatch: %p"), ABORTS("size mismatch: %p")),
        TITLES("sized operator delete with a size too large"))
{
    release_as("_ZdlPvm", 4 * SMALL);
}

static void expect_refusal(const void *block) { end(block == NULL ? NO_HARM : HARM); }

MISTAKE(calloc_whose_product_overflows, ALWAYS(IS_HARMLESS), TITLES("calloc whose product overflows"))
{
    calling();
    expect_refusal(calloc(SIZE_MAX / 8 + 2, 8));
}

MISTAKE(reallocarray_whose_product_overflows, ALWAYS(IS_HARMLESS), TITLES("reallocarray whose product overflows"))
{
    char *block = block_of(SMALL);
    calling();
    expect_refusal(reallocarray(block, SIZE_MAX / 8 + 2, 8));
}

MISTAKE(malloc_of_nearly_size_max, ALWAYS(IS_HARMLESS), TITLES("malloc(SIZE_MAX - 7)"))
{
    calling();
    expect_refusal(malloc(SIZE_MAX - 7));
}

MISTAKE(malloc_of_more_than_ptrdiff_max, ALWAYS(IS_HARMLESS), TITLES("malloc(PTRDIFF_MAX + 1)"))
{
    calling();
    expect_refusal(malloc((size_t)PTRDIFF_MAX + 1));
}

MISTAKE(realloc_to_nearly_size_max, ALWAYS(IS_HARMLESS), TITLES("realloc to SIZE_MAX - 7"))
{
    char *block = block_of(SMALL);
    calling();
    expect_refusal(realloc(block, SIZE_MAX - 7));
}

MISTAKE(memalign_of_nearly_size_max, ALWAYS(IS_HARMLESS), TITLES("memalign of SIZE_MAX - 7"))
{
    calling();
    expect_refusal(memalign(PAGE, SIZE_MAX - 7));
}

MISTAKE(pvalloc_of_nearly_size_max, ALWAYS(IS_HARMLESS), TITLES("pvalloc(SIZE_MAX - 7)"))
{
    calling();
    expect_refusal(pvalloc(SIZE_MAX - 7));
}

#undef KIND
