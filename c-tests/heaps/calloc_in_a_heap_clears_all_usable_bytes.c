// As in the global heap: over slots and large blocks that were dirty before, named or current.
#include "heap.h"

static void expect_clear_after_reuse(ta_heap_t *heap, size_t bytes)
{
    void *dirty = ta_heap_malloc(heap, bytes);
    EXPECT(dirty != NULL);
    memset(dirty, 0xff, ta_heap_usable_size(heap, dirty));
    ta_heap_free(heap, dirty);
    void *clear = ta_heap_calloc(heap, 1, bytes);
    EXPECT(clear != NULL && is_zero(clear, ta_heap_usable_size(heap, clear)));
    memset(clear, 0xff, ta_heap_usable_size(heap, clear));
    ta_heap_free(heap, clear);
    clear = hidden(calloc(bytes, 1));
    EXPECT(clear != NULL && ta_heap_owner(clear) == heap && is_zero(clear, malloc_usable_size(clear)));
    free(clear);
}

int main(void)
{
    ta_heap_t *heap = heap_of("clear", 0);
    EXPECT(ta_heap_push(heap) == 0);
    for (size_t bytes = 1; bytes < 70000; bytes += 1 + bytes / 100) expect_clear_after_reuse(heap, bytes);
    EXPECT(ta_heap_pop() == 0);
    EXPECT(ta_heap_destroy(heap) == 0);
    return 0;
}
