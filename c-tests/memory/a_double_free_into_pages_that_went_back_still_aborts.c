/* A freed block whose page a trim decommitted reads as zero and must not look live: its second free
 * aborts, in its thread and in another. */
#include "survivors.h"

enum { TABLE_BYTES = 512 * 1024, KEPT_EACH_BYTES = 20 * 1024, BLOCKS_MAX = TABLE_BYTES / 16 };

static const size_t sizes[] = {16, 48, 112, 320, 512, 1024, 1280, 2048};
static struct block block[BLOCKS_MAX];
static unsigned char *address[BLOCKS_MAX];
static void *freed_twice;

static bool is_resident(const void *at)
{
    unsigned char resident = 0;
    EXPECT(mincore((void *)((uintptr_t)at & ~(PAGE_BYTES - 1)), PAGE_BYTES, &resident) == 0);
    return resident & 1;
}

static void *free_again(void *freed)
{
    free(culprit(freed));
    return NULL;
}

static void locally(void) { free_again(freed_twice); }
static void remotely(void) { run_in_thread(free_again, freed_twice); }

static size_t make_and_thin_out(size_t bytes)
{
    size_t count = TABLE_BYTES / bytes, kept_each = KEPT_EACH_BYTES / bytes;
    for (size_t i = 0; i < count; i++) {
        make_block(&block[i], bytes);
        address[i] = block[i].at;
    }
    for (size_t i = 0; i < count; i++)
        if (i % kept_each != 0) free_block(&block[i]);
    malloc_trim(0);
    return count;
}

/* A freed block whose byte at `offset` lies in a page that went back. */
static void *freed_block_with_hole_at(size_t count, size_t offset)
{
    for (size_t i = count / 4; i < count; i++)
        if (!block[i].at && !is_resident(address[i] + offset)) return address[i];
    return NULL;
}

static void expect_both_to_abort(size_t bytes, void *culprit_block)
{
    char needle[64];
    snprintf(needle, sizeof needle, "double free of %%p (%zu-byte slot)", bytes);
    freed_twice = culprit_block;
    EXPECT(freed_twice != NULL);
    expect_abort(locally, needle);
    expect_abort(remotely, needle);
}

int main(void)
{
    require_tinyalloc();
    require_small_pages();
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t count = make_and_thin_out(sizes[i]), slot = malloc_usable_size(block[0].at);
        expect_both_to_abort(slot, freed_block_with_hole_at(count, 0));
        expect_both_to_abort(slot, freed_block_with_hole_at(count, sizes[i] - 1));
        free_blocks(block, count);
    }
    return 0;
}
