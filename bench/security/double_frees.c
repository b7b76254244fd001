#include "mistake.h"

enum { TRIES = 100000 };

static void release(void *block) { free(block); }

static void release_twice(void *block)
{
    free(block);
    free(block);
}

static void twice(size_t bytes)
{
    char *block = block_of(bytes);
    calling();
    free(block);
    free(block);
    go_on(bytes);
}

static void small(void) { twice(SMALL); }
static void large(void) { twice(LARGE); }
static void huge(void) { twice(HUGE); }

static void after_another(void)
{
    char *block = surrounded_block(SMALL), *other = block_of(SMALL);
    calling();
    free(block);
    free(other);
    free(block);
    go_on(SMALL);
}

static void after_thousands(void)
{
    char *block = surrounded_block(SMALL);
    calling();
    free(block);
    churn(3 * SMALL);
    free(block);
    go_on(SMALL);
}

/* The allocator cannot know that the second free is not the new owner's. The new owner's own is one too many then. */
static void after_reuse(void)
{
    char *block = surrounded_block(SMALL), *again = NULL;
    size_t usable = malloc_usable_size(block);
    calling();
    free(block);
    for (int i = 0; i < TRIES && again != block; i++) again = malloc(usable);
    free(block);
    if (again == block) free(again);
    go_on(SMALL);
}

static void after_the_slab_is_empty(void)
{
    static char *blocks[20000];
    for (size_t i = 0; i < COUNT_OF(blocks); i++) blocks[i] = block_of(SMALL);
    calling();
    for (size_t i = 0; i < COUNT_OF(blocks); i++) free(blocks[i]);
    malloc_trim(0);
    free(blocks[COUNT_OF(blocks) / 2]);
    go_on(SMALL);
}

static void after_realloc_moved_it(void)
{
    char *block = surrounded_block(SMALL);
    calling();
    char *moved = realloc(block, LARGE);
    if (moved != block) free(block);
    go_on(SMALL);
}

static void by_another_thread(void)
{
    char *block = surrounded_block(SMALL);
    calling();
    in_a_thread(release_twice, block);
    go_on(SMALL);
}

static void remote_then_local(void)
{
    char *block = surrounded_block(SMALL);
    calling();
    in_a_thread(release, block);
    free(block);
    go_on(SMALL);
}

static void local_then_remote(void)
{
    char *block = surrounded_block(SMALL);
    calling();
    free(block);
    in_a_thread(release, block);
    go_on(SMALL);
}

static void by_two_other_threads(void)
{
    char *block = surrounded_block(SMALL);
    calling();
    in_a_thread(release, block);
    in_a_thread(release, block);
    go_on(SMALL);
}

static void allocate_there(void *place) { *(char **)place = block_of(SMALL); }

static void of_an_ended_thread(void)
{
    char *block;
    in_a_thread(allocate_there, &block);
    calling();
    free(block);
    free(block);
    go_on(SMALL);
}

static void through_realloc(void)
{
    char *block = surrounded_block(SMALL);
    calling();
    free(block);
    char *resized = realloc(block, 2 * SMALL);
    free(resized);
    go_on(SMALL);
}

static const struct mistake MISTAKES[] = {
    {"small, at once", small},
    {"small, after a free of another block", after_another},
    {"small, after thousands of other calls", after_thousands},
    {"small, after its slot was used again: the new owner's free is the second one", after_reuse},
    {"small, after all around it was freed and trimmed", after_the_slab_is_empty},
    {"of the old block after realloc moved it", after_realloc_moved_it},
    {"realloc of a freed block", through_realloc},
    {"large (256 KiB), at once", large},
    {"huge (64 MiB), at once", huge},
    {"both by another thread", by_another_thread},
    {"first by another thread, then by the owner", remote_then_local},
    {"first by the owner, then by another thread", local_then_remote},
    {"by two other threads", by_two_other_threads},
    {"of a block of a thread that has ended", of_an_ended_thread},
};

const struct group DOUBLE_FREES = {"Double free", MISTAKES, COUNT_OF(MISTAKES)};
