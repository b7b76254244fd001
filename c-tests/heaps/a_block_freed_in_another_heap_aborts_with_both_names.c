#include "heap.h"

static ta_heap_t *left, *right;

static void free_in_other(void) { ta_heap_free(right, culprit(ta_heap_malloc(left, 100))); }
static void free_large_in_other(void) { ta_heap_free(right, culprit(ta_heap_malloc(left, 100000))); }
static void free_huge_in_other(void) { ta_heap_free(right, culprit(ta_heap_malloc(left, 64 * MIB))); }
static void free_global_in_other(void) { ta_heap_free(right, culprit(malloc(100))); }
static void free_in_global(void) { ta_heap_free(ta_heap_global(), culprit(ta_heap_malloc(left, 100))); }
static void resize_in_other(void) { EXPECT(!ta_heap_realloc(right, culprit(ta_heap_malloc(left, 100)), 200)); }

static void *free_in_thread(void *block)
{
    ta_heap_free(right, block);
    return NULL;
}

static void free_by_another_thread(void) { run_in_thread(free_in_thread, culprit(ta_heap_malloc(left, 100))); }

int main(void)
{
    left = heap_of("left", 0), right = heap_of("right", 0);
    expect_abort(free_in_other, "free of %p in heap \"right\": it is a block of heap \"left\"");
    expect_abort(free_large_in_other, "free of %p in heap \"right\": it is a block of heap \"left\"");
    expect_abort(free_huge_in_other, "free of %p in heap \"right\": it is a block of heap \"left\"");
    expect_abort(free_by_another_thread, "free of %p in heap \"right\": it is a block of heap \"left\"");
    expect_abort(free_global_in_other, "free of %p in heap \"right\": it is a block of the global heap");
    expect_abort(free_in_global, "free of %p in the global heap: it is a block of heap \"left\"");
    expect_abort(resize_in_other, "free of %p in heap \"right\": it is a block of heap \"left\"");
}
