#include "heap.h"

/* A thread remembers 128 heaps. Where it replaces one that was destroyed it looks at that heap's
 * page first, and reads zeros: no memory, but mincore, which emulators' tests count with, does not
 * know. */
enum { HEAPS = 100000, AT_A_TIME = 2000, REMEMBERED = 128 };

static void use(ta_heap_t **heap, int count)
{
    for (int h = 0; h < count; h++) {
        heap[h] = heap_of("brief", 0);
        for (int i = 0; i < 10; i++) memset(ta_heap_malloc(heap[h], 64), i, 64);
    }
    for (int h = 0; h < count; h++) EXPECT(ta_heap_destroy(heap[h]) == 0);
}

/* How much memory waits for its epoch depends on how long all this takes: on an emulated kernel it
 * was 1.6 MiB at one time and 2 MiB at another. */
static size_t without_waiting(void)
{
    ta_purge();
    return private_bytes();
}

int main(void)
{
    static ta_heap_t *heap[AT_A_TIME];
    use(heap, AT_A_TIME);
    for (int round = 0; round < 2 * REMEMBERED; round++) use(heap, 1);
    size_t before = without_waiting();
    for (int round = 0; round < HEAPS / AT_A_TIME / 2; round++) use(heap, AT_A_TIME);
    for (int round = 0; round < HEAPS / 2; round++) use(heap, 1);
    size_t after = without_waiting();
    if (after > before + before / 20) say("%zu bytes resident before, %zu after\n", before, after);
    EXPECT(after <= before + before / 20);
}
