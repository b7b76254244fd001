/* The blocks that lie beside pages that went back keep contents and size, may be resized and freed
 * by any thread, and what is made there again is whole: calloc's is zero, no two blocks overlap. */
#include "survivors.h"

enum { BLOCKS = 8000, ONE_IN = 12 };

static const struct { size_t least, most; } mixes[] = {{1, 64}, {100, 700}, {512, 2048}, {3000, 20000}};
static struct block block[BLOCKS], later[BLOCKS];
static size_t usable[BLOCKS];

static void remember_usable_sizes(void)
{
    for (size_t i = 0; i < BLOCKS; i++)
        if (block[i].at) usable[i] = malloc_usable_size(block[i].at);
}

static void check_survivors(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        check_block(&block[i]);
        if (block[i].at) EXPECT(malloc_usable_size(block[i].at) == usable[i]);
    }
}

static void make_zeroed_blocks(size_t least, size_t most)
{
    unsigned state = 7;
    for (size_t i = 0; i < BLOCKS; i++) {
        later[i].bytes = bytes_between(&state, least, most);
        later[i].at = calloc(1, later[i].bytes);
        EXPECT(later[i].at != NULL);
        EXPECT(is_zero(later[i].at, later[i].bytes));
        fill(later[i].at, later[i].bytes, (unsigned)later[i].bytes);
    }
}

static void resize(struct block *survivor, size_t bytes)
{
    size_t common = bytes < survivor->bytes ? bytes : survivor->bytes;
    survivor->at = realloc(survivor->at, bytes);
    EXPECT(survivor->at != NULL);
    EXPECT(is_filled(survivor->at, common, (unsigned)survivor->bytes));
    fill(survivor->at, bytes, (unsigned)bytes);
    survivor->bytes = bytes;
}

static void resize_every_other_survivor(void)
{
    unsigned state = 3;
    for (size_t i = 0; i < BLOCKS; i += 2)
        if (block[i].at) resize(&block[i], bytes_between(&state, 1, 2 * block[i].bytes));
}

static void *free_a_third(void *first)
{
    for (size_t i = *(size_t *)first; i < BLOCKS; i += 3) free_block(&block[i]);
    return NULL;
}

static void expect_survivors_to_be_whole(size_t least, size_t most)
{
    make_blocks(block, BLOCKS, least, most);
    thin_out(block, BLOCKS, ONE_IN);
    remember_usable_sizes();
    malloc_trim(0);
    check_survivors();
    make_zeroed_blocks(least, most);
    check_survivors();
    free_blocks(later, BLOCKS);
    malloc_trim(0);
    resize_every_other_survivor();
    check_blocks(block, BLOCKS);
    size_t by_its_thread = 0, by_another = 1, after_a_trim = 2;
    free_a_third(&by_its_thread);
    run_in_thread(free_a_third, &by_another);
    malloc_trim(0);
    free_a_third(&after_a_trim);
}

static void *runs_all(void *nothing)
{
    for (size_t i = 0; i < COUNT_OF(mixes); i++) expect_survivors_to_be_whole(mixes[i].least, mixes[i].most);
    return nothing;
}

int main(void)
{
    watchdog(50);
    runs_all(NULL);
    run_in_thread(runs_all, NULL);
    return 0;
}
