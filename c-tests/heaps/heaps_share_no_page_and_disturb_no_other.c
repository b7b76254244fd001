/* Address sets: no page of one heap is ever a page of another. Canaries: nothing that one heap does
 * changes a byte of another. */
#include "heap.h"

enum { HEAPS = 8, ROUNDS = 40000, LIVE = 400, PAGES = 1 << 16 };

struct page {
    uintptr_t number;
    int owner;
};
static struct page pages[PAGES];
static struct { unsigned char *start; size_t bytes; unsigned seed; } live[HEAPS][LIVE];
static ta_heap_t *heap[HEAPS];

static void claim(uintptr_t number, int owner)
{
    size_t at = (number * 0x9E3779B97F4A7C15u) >> 48;
    while (pages[at].number && pages[at].number != number) at = (at + 1) % PAGES;
    EXPECT(pages[at].number == 0 || pages[at].owner == owner);
    pages[at] = (struct page){number, owner};
}

static void check(int h, int i)
{
    EXPECT(is_filled(live[h][i].start, live[h][i].bytes, live[h][i].seed));
    EXPECT(ta_heap_contains(heap[h], live[h][i].start));
}

int main(void)
{
    unsigned random = 12345;
    heap[0] = ta_heap_global();
    for (int h = 1; h < HEAPS; h++) heap[h] = heap_of("apart", 0);
    for (int round = 0; round < ROUNDS; round++) {
        random = random * 1103515245 + 12345;
        int h = (int)(random >> 16) % HEAPS, i = (int)(random >> 20) % LIVE;
        if (live[h][i].start) {
            check(h, i);
            ta_heap_free(heap[h], live[h][i].start);
            live[h][i].start = NULL;
            continue;
        }
        size_t bytes = random % 50 == 0 ? 20000 + random % 100000 : 1 + random % 700;
        live[h][i].start = ta_heap_malloc(heap[h], bytes), live[h][i].bytes = bytes, live[h][i].seed = random;
        fill(live[h][i].start, bytes, random);
    }
    for (int h = 0; h < HEAPS; h++)
        for (int i = 0; i < LIVE; i++)
            if (live[h][i].start)
                for (uintptr_t at = (uintptr_t)live[h][i].start >> 12;
                     at <= ((uintptr_t)live[h][i].start + live[h][i].bytes - 1) >> 12; at++)
                    claim(at, h + 1);
    for (int gone = 1; gone < HEAPS; gone += 2) EXPECT(ta_heap_destroy(heap[gone]) == 0);
    for (int h = 0; h < HEAPS; h += 2)
        for (int i = 0; i < LIVE; i++)
            if (live[h][i].start) check(h, i);
}
