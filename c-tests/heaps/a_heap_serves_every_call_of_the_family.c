#include "heap.h"

int main(void)
{
    ta_heap_t *heap = heap_of("family", 0);
    unsigned char *a = ta_heap_malloc(heap, 100);
    fill(a, 100, 1);
    unsigned char *b = ta_heap_calloc(heap, 10, 50);
    EXPECT(is_zero(b, 500));
    a = ta_heap_realloc(heap, a, 100000);
    EXPECT(a && is_filled(a, 100, 1) && ta_heap_owner(a) == heap);
    b = ta_heap_reallocarray(heap, b, 100, 500);
    EXPECT(b && is_zero(b, 500));
    for (size_t align = 1; align <= 4 * MIB; align *= 2) {
        void *c = ta_heap_aligned_alloc(heap, align, 3000);
        EXPECT(c && is_aligned(c, align) && ta_heap_owner(c) == heap && ta_heap_usable_size(heap, c) >= 3000);
        ta_heap_free(heap, c);
    }
    void *huge = ta_heap_calloc(heap, 40, MIB);
    EXPECT(huge && is_zero(huge, 40 * MIB) && ta_heap_contains(heap, huge));
    EXPECT(heap_stats(heap).huge_blocks == 1 && heap_stats(heap).large_blocks == 2);
    void *fresh = ta_heap_realloc(heap, NULL, 10);
    EXPECT(fresh && ta_heap_usable_size(heap, fresh) >= 10);
    EXPECT(ta_heap_realloc(heap, fresh, 0) == NULL);
    ta_heap_free(heap, huge);
    ta_heap_free(heap, a);
    ta_heap_free(heap, b);
    EXPECT(heap_stats(heap).allocated == 0);
    EXPECT(ta_heap_destroy(heap) == 0);
}
