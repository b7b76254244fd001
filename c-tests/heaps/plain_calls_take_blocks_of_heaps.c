#include "heap.h"

static void *free_it(void *block)
{
    EXPECT(malloc_usable_size(block) >= 100);
    free(block);
    return NULL;
}

int main(void)
{
    ta_heap_t *heap = heap_of("plain", 0);
    for (size_t bytes = 1; bytes <= 40 * MIB; bytes = bytes * 3 + 1) {
        char *block = ta_heap_malloc(heap, bytes);
        fill(block, bytes, 1);
        EXPECT(malloc_usable_size(block) >= bytes);
        block = realloc(block, bytes * 2);
        EXPECT(block && is_filled(block, bytes, 1) && ta_heap_owner(block) == heap);
        free(block);
    }
    for (int i = 0; i < 100; i++) run_in_thread(free_it, ta_heap_malloc(heap, 100));
    free_it(ta_heap_malloc(heap, 100));
    ta_heap_purge(heap);
    EXPECT(heap_stats(heap).allocated == 0);
    EXPECT(ta_heap_destroy(heap) == 0);
}
