#include "heap.h"

enum { BLOCKS = 3000 };
static struct { void *start; bool met; } live[BLOCKS];

static int meet(void *block, size_t bytes, void *met)
{
    for (int i = 0; i < BLOCKS; i++)
        if (live[i].start == block) {
            EXPECT(!live[i].met && bytes >= (size_t)i);
            live[i].met = true;
            ++*(int *)met;
            return 0;
        }
    return -7;
}

static int stop(void *block, size_t bytes, void *calls)
{
    (void)block, (void)bytes;
    return ++*(int *)calls == 5 ? 42 : 0;
}

int main(void)
{
    ta_heap_t *heap = heap_of("walked", 0);
    int met = 0, calls = 0, freed = 0;
    for (int i = 0; i < BLOCKS; i++) live[i].start = ta_heap_malloc(heap, (size_t)i * (i % 100 == 0 ? 100 : 1));
    for (int i = 0; i < BLOCKS; i += 3, freed++) {
        ta_heap_free(heap, live[i].start);
        live[i].start = NULL;
    }
    EXPECT(ta_heap_walk(heap, meet, &met) == 0 && met == BLOCKS - freed);
    EXPECT(ta_heap_walk(heap, stop, &calls) == 42 && calls == 5);
}
