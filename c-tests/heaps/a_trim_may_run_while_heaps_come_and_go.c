#include "heap.h"

enum { ROUNDS = 5000, HEAPS = 4 };
static _Bool volatile running = true;

static void *trim(void *unused)
{
    while (running) malloc_trim(0);
    return unused;
}

int main(void)
{
    watchdog(50);
    pthread_t thread[2] = {start(trim, NULL), start(trim, NULL)};
    for (int round = 0; round < ROUNDS; round++) {
        ta_heap_t *heap[HEAPS];
        for (int h = 0; h < HEAPS; h++) {
            heap[h] = heap_of("brief", 0);
            unsigned char *block = ta_heap_malloc(heap[h], 100), *freed = ta_heap_malloc(heap[h], 3000);
            fill(block, 100, (unsigned)round);
            ta_heap_free(heap[h], freed);
            EXPECT(is_filled(block, 100, (unsigned)round));
        }
        for (int h = 0; h < HEAPS; h++) EXPECT(ta_heap_destroy(heap[h]) == 0);
    }
    running = false;
    join(thread[0]);
    join(thread[1]);
}
