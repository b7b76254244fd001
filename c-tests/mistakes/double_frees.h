#define KIND "Double free"

enum { TRIES = 100000, SMALL_STEPS = 64 + 32, ODD_STEPS = 17, ALIGNMENTS = 17, HUGE_STEPS = 6, SPAN_SLOTS = 128 };

MISTAKE(double_free_of_a_small_slot, ALWAYS(ABORTS("double free of %p")), WAYS(1 + SMALL_STEPS + ODD_STEPS),
        TITLES("small, at once"))
{
    size_t step = way - 1;
    size_t bytes = way == 0             ? SMALL
                   : step < 64          ? step * 16
                   : step < SMALL_STEPS ? (step - 64 + 1) * KIB
                                        : 1 + (step - SMALL_STEPS) * 61;
    char *block = block_of(bytes);
    calling();
    free(block);
    free(culprit(block));
}

MISTAKE(double_free_with_other_calls_between, ALWAYS(ABORTS("double free of %p")), WAYS(2),
        TITLES("small, after a free of another block"))
{
    char *block = small_block(way), *other[500];
    size_t others = way == 0 ? 1 : COUNT_OF(other);
    for (size_t i = 0; i < others; i++) other[i] = block_of(SMALL);
    calling();
    free(block);
    for (size_t i = 0; i < others; i++) free(other[i]);
    free(culprit(block));
}

MISTAKE(double_free_after_others_came_and_went, ALWAYS(ABORTS("double free of %p")))
{
    char *block[64];
    for (int i = 0; i < 64; i++) block[i] = block_of(SMALL);
    calling();
    free(block[20]);
    for (int i = 30; i < 60; i++) free(block[i]);
    for (int i = 30; i < 50; i++) block[i] = malloc(SMALL);
    free(culprit(block[20]));
}

MISTAKE(double_free_after_thousands_of_other_calls,
        BY_OPTIONS(ABORTS("double free of %p"), ABORTS("double free of %p"), ABORTS("invalid free of %p")),
        TITLES("small, after thousands of other calls"))
{
    char *block = surrounded_block(SMALL);
    calling();
    free(block);
    churn(3 * SMALL);
    free(culprit(block));
}

/* The allocator cannot know that the second free is not the new owner's. The new owner's own is one
 * too many then. */
MISTAKE(double_free_after_the_slot_was_used_again, ALWAYS(ABORTS("double free of %p")),
        TITLES("small, after its slot was used again: the new owner's free is the second one"))
{
    char *block = surrounded_block(SMALL), *again = NULL;
    size_t usable = malloc_usable_size(block);
    calling();
    free(block);
    for (int i = 0; i < TRIES && again != block; i++) again = malloc(usable);
    free(culprit(block));
    if (again == block) free(again);
}

MISTAKE(double_free_of_a_small_slot_after_a_trim, ALWAYS(ABORTS("free of %p")), WAYS(2),
        TITLES("small, after all around it was freed and trimmed"))
{
    static char *block[20000];
    size_t blocks = way == 0 ? COUNT_OF(block) : 1;
    for (size_t i = 0; i < blocks; i++) block[i] = block_of(SMALL);
    calling();
    for (size_t i = 0; i < blocks; i++) free(block[i]);
    malloc_trim(0);
    free(culprit(block[blocks / 2]));
}

MISTAKE(double_free_of_every_slot_of_a_span, ALWAYS(ABORTS("free of %p")), WAYS(SPAN_SLOTS))
{
    char *slot[SPAN_SLOTS];
    for (int i = 0; i < SPAN_SLOTS; i++) slot[i] = malloc(512);
    calling();
    for (int i = 0; i < SPAN_SLOTS; i++) free(slot[i]);
    free(culprit(slot[way]));
}

MISTAKE(double_free_of_an_aligned_block, ALWAYS(ABORTS("free of %p")), WAYS(ALIGNMENTS))
{
    char *block = memalign((size_t)16 << way, SMALL);
    calling();
    free(block);
    free(culprit(block));
}

static void (*release_of(const char *name))(void *) { return (void (*)(void *))function(name); }
static void free_sized_twice(void *block) { ((void (*)(void *, size_t))function("free_sized"))(block, 48); }
static void free_aligned_sized_twice(void *block) { ((void (*)(void *, size_t, size_t))function("free_aligned_sized"))(block, 16, 48); }
static void sdallocx_twice(void *block) { ((void (*)(void *, size_t, int))function("sdallocx"))(block, 48, 0); }
static void freezero_twice(void *block) { ((void (*)(void *, size_t))function("freezero"))(block, 0); }
static void sized_delete_twice(void *block) { ((void (*)(void *, size_t))function("_ZdlPvm"))(block, 48); }

MISTAKE(double_free_through_every_name, ALWAYS(ABORTS("double free of %p")), WAYS(9))
{
    void (*const release[])(void *) = {
        release_of("cfree"),      release_of("__libc_free"),  release_of("_ZdlPv"),
        release_of("_ZdaPv"),     free_sized_twice,           free_aligned_sized_twice,
        sdallocx_twice,           freezero_twice,             sized_delete_twice,
    };
    void *block = malloc(48);
    calling();
    free(block);
    release[way](culprit(block));
}

MISTAKE(free_after_realloc_moved_the_block, ALWAYS(ABORTS("double free of %p")), WAYS(2),
        TITLES("of the old block after realloc moved it"))
{
    char *block = small_block(way);
    calling();
    char *moved = realloc(block, LARGE);
    if (moved != block) free(culprit(block));
}

MISTAKE(free_after_realloc_to_zero, ALWAYS(ABORTS("double free of %p")), WAYS(2))
{
    char *block = small_block(way);
    calling();
    if (realloc(block, hidden_size(0)) != NULL) return;
    free(culprit(block));
}

MISTAKE(realloc_of_a_freed_slot, ALWAYS(ABORTS("free of %p")), WAYS(8), TITLES("realloc of a freed block"))
{
    static const size_t SIZES[] = {2 * SMALL, 0, 1, 40, 48, SMALL, 100000, HUGE};
    char *block = small_block(way);
    calling();
    free(block);
    free(realloc(culprit(block), SIZES[way]));
}

MISTAKE(realloc_of_a_freed_large_block, ALWAYS(ABORTS("free of %p")), WAYS(6))
{
    size_t bytes = 40 * KIB << (2 * way);
    char *block = malloc(bytes);
    calling();
    free(block);
    free(realloc(culprit(block), bytes * 2));
}

static size_t large_bytes(size_t way)
{
    size_t bytes = way == 0 ? LARGE : 40 * KIB;
    while (way-- > 1) bytes = bytes * 3 / 2;
    return bytes;
}

MISTAKE(double_free_of_a_large_block, ALWAYS(ABORTS("free of %p")), WAYS(1 + 15), TITLES("large (256 KiB), at once"))
{
    char *block = block_of(large_bytes(way));
    calling();
    free(block);
    free(culprit(block));
}

MISTAKE(double_free_of_a_large_block_after_others_were_freed, ALWAYS(ABORTS("free of %p")))
{
    char *block[8];
    for (int i = 0; i < 8; i++) block[i] = malloc(200 * KIB);
    calling();
    for (int i = 0; i < 8; i++) free(block[i]);
    free(culprit(block[4]));
}

MISTAKE(double_free_of_a_large_block_after_a_trim, ALWAYS(ABORTS("free of %p")))
{
    char *block = block_of(3 * MIB);
    calling();
    free(block);
    malloc_trim(0);
    free(culprit(block));
}

MISTAKE(double_free_of_a_huge_block, ALWAYS(ABORTS("free of %p")), WAYS(1 + HUGE_STEPS),
        TITLES("huge (64 MiB), at once"))
{
    char *block = way == 0 ? block_of(HUGE) : malloc(32 * MIB << (way - 1));
    if (block == NULL) return;
    calling();
    free(block);
    free(culprit(block));
}

static void *freed_twice_there(void *block)
{
    free(block);
    free(culprit(block));
    return NULL;
}

MISTAKE(double_free_by_a_remote_thread, ALWAYS(ABORTS("double free of %p")), WAYS(2), TITLES("both by another thread"))
{
    char *block = small_block(way);
    calling();
    run_in_thread(freed_twice_there, block);
}

MISTAKE(remote_double_free_of_a_large_block, ALWAYS(ABORTS("free of %p")))
{
    char *block = block_of(300 * KIB);
    calling();
    run_in_thread(freed_twice_there, block);
}

MISTAKE(double_free_after_a_remote_free, ALWAYS(ABORTS("double free of %p")), WAYS(2),
        TITLES("first by another thread, then by the owner"))
{
    char *block = small_block(way);
    calling();
    run_in_thread(freed_there, block);
    free(culprit(block));
}

MISTAKE(remote_free_after_the_owner_freed, ALWAYS(ABORTS("double free of %p")), WAYS(2),
        TITLES("first by the owner, then by another thread"))
{
    char *block = small_block(way);
    calling();
    free(block);
    run_in_thread(freed_there, culprit(block));
}

MISTAKE(double_free_by_two_remote_threads, ALWAYS(ABORTS("double free of %p")), WAYS(2), TITLES("by two other threads"))
{
    char *block = small_block(way);
    calling();
    run_in_thread(freed_there, block);
    run_in_thread(freed_there, culprit(block));
}

/* Alone in its span, or beside another block. */
static void *allocated_there(void *is_alone)
{
    char *block = block_of(SMALL);
    if (!is_alone) block_of(SMALL);
    return block;
}

MISTAKE(double_free_of_an_exited_threads_slot, ALWAYS(ABORTS("double free of %p")), WAYS(2),
        TITLES("of a block of a thread that has ended"))
{
    char *block = join(start(allocated_there, way == 0 ? neighbour : NULL));
    calling();
    free(block);
    free(culprit(block));
}

static void *all_freed_there(void *blocks)
{
    void **block = blocks;
    for (int i = 0; i < 100; i++) free(block[i]);
    free(culprit(block[50]));
    return NULL;
}

MISTAKE(double_free_in_a_thread_that_only_frees, ALWAYS(ABORTS("free of %p")))
{
    static void *block[100];
    for (int i = 0; i < 100; i++) block[i] = malloc(80);
    calling();
    run_in_thread(all_freed_there, block);
}

#undef KIND
