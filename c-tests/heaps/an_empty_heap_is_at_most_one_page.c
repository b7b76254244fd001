#include "heap.h"

enum { HEAPS = 10000 };

int main(void)
{
    static ta_heap_t *heap[HEAPS];
    memset(heap, 1, sizeof heap);
    heap_of("first", 0);
    size_t before = private_bytes();
    for (int h = 0; h < HEAPS; h++) heap[h] = heap_of("empty", 0);
    size_t bytes = (private_bytes() - before) / HEAPS;
    EXPECT(bytes <= 4096 + 64);
    EXPECT(heap_stats(heap[0]).metadata <= 4096 && heap_stats(heap[0]).committed <= 4096);
    for (int h = 0; h < HEAPS; h++) EXPECT(ta_heap_destroy(heap[h]) == 0);
    EXPECT(private_bytes() <= before + 64 * 4096 + before / 20);
}
