#include <stdatomic.h>

#include "heap.h"

enum { THREADS = 8, ROUNDS = 60000, SLOTS = 512 };

static ta_heap_t *heap[3];
static _Atomic(unsigned char *) shared[SLOTS];

static void *work(void *argument)
{
    unsigned random = (unsigned)(uintptr_t)argument;
    for (int round = 0; round < ROUNDS; round++) {
        random = random * 1103515245 + 12345;
        size_t bytes = 8 + (random >> 8) % (random % 100 == 0 ? 60000 : 500);
        unsigned char *block = ta_heap_malloc(heap[random % 3], bytes);
        block[0] = block[bytes - 1] = (unsigned char)(uintptr_t)block;
        block = atomic_exchange(&shared[(random >> 20) % SLOTS], block);
        if (!block) continue;
        EXPECT(block[0] == (unsigned char)(uintptr_t)block);
        if (random & 64) {
            ta_heap_free(ta_heap_owner(block), block);
        } else {
            free(block);
        }
    }
    return NULL;
}

int main(void)
{
    watchdog(50);
    for (int h = 0; h < 3; h++) heap[h] = heap_of("shared", 0);
    pthread_t thread[THREADS];
    for (uintptr_t round = 0; round < 3; round++) {
        for (uintptr_t i = 0; i < THREADS; i++) thread[i] = start(work, (void *)(round * 100 + i + 1));
        for (int i = 0; i < THREADS; i++) join(thread[i]);
    }
    for (int i = 0; i < SLOTS; i++) free(shared[i]);
    for (int h = 0; h < 3; h++) {
        ta_heap_purge(heap[h]);
        EXPECT(heap_stats(heap[h]).allocated == 0);
        EXPECT(heap_stats(heap[h]).heaps <= THREADS + 1);
        EXPECT(ta_heap_destroy(heap[h]) == 0);
    }
}
