#include "heap.h"

static ta_heap_t *heap;
static sem_t used;

static void *use(void *unused)
{
    EXPECT(ta_heap_malloc(heap, 100));
    sem_post(&used);
    return unused;
}

int main(void)
{
    watchdog(50);
    sem_init(&used, 0, 0);
    for (int round = 0; round < 5000; round++) {
        heap = heap_of("brief", 0);
        pthread_t thread = start(use, NULL);
        sem_wait(&used);
        EXPECT(ta_heap_destroy(heap) == 0);
        ta_heap_t *next = heap_of("next", 0);
        EXPECT(ta_heap_malloc(next, 100));
        join(thread);
        EXPECT(ta_heap_malloc(next, 100) && heap_stats(next).heaps == 1 && ta_heap_destroy(next) == 0);
    }
}
