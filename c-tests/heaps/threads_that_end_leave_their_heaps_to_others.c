#include "heap.h"

static ta_heap_t *heap[200];

static void *use(void *entered)
{
    for (int h = 0; h < 200; h++) EXPECT(ta_heap_malloc(heap[h], 100));
    if (entered) EXPECT(ta_heap_push(heap[0]) == 0 && ta_heap_push(heap[1]) == 0 && malloc(100));
    return NULL;
}

int main(void)
{
    for (int h = 0; h < 200; h++) heap[h] = heap_of("inherited", 0);
    for (int round = 0; round < 50; round++) run_in_thread(use, round % 2 ? heap : NULL);
    for (int h = 0; h < 200; h++) {
        EXPECT(heap_stats(heap[h]).heaps == 1 && heap_stats(heap[h]).live_slots >= 50);
        EXPECT(ta_heap_destroy(heap[h]) == 0);
    }
}
