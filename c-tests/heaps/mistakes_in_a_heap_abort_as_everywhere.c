#include "heap.h"

static ta_heap_t *heap;

static void twice(void)
{
    char *block = ta_heap_malloc(heap, 100);
    ta_heap_free(heap, block);
    ta_heap_free(heap, culprit(block));
}

static void twice_by_plain_free(void)
{
    char *block = ta_heap_malloc(heap, 100);
    free(block);
    free(culprit(block));
}

static void inside(void) { ta_heap_free(heap, culprit((char *)ta_heap_malloc(heap, 100) + 16)); }
static void on_the_stack(void)
{
    int local;
    ta_heap_free(heap, culprit(&local));
}

static void after_destroy(void)
{
    char *block = ta_heap_malloc(heap, 100);
    EXPECT(ta_heap_destroy(heap) == 0);
    free(culprit(block));
}

int main(void)
{
    heap = heap_of("mine", 0);
    expect_abort(twice, "double free of %p");
    expect_abort(twice_by_plain_free, "double free of %p");
    expect_abort(inside, "invalid free of %p: 16 bytes inside the");
    expect_abort(on_the_stack, "invalid free of %p");
    expect_abort(after_destroy, "double free of %p: the memory there was freed before");
}
