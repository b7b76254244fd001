#include "heap.h"

static int calls;

static int on_limit(ta_heap_t *heap, size_t bytes, void *argument)
{
    (void)bytes; (void)argument;
    calls++;
    return ta_heap_set_limit(heap, 0) == 0;
}

static ta_heap_t *limited(size_t limit)
{
    ta_heap_options_t options = {.size = sizeof options, .limit = limit, .on_limit = on_limit};
    calls = 0;
    return ta_heap_create(&options);
}

int main(void)
{
    watchdog(20);
    int failures = 0;
    /* 40000 bytes take ten pages, 40960 bytes. */
    void *block = ta_heap_malloc(limited(40500), 40000);
    say("large: %p, %d calls\n", block, calls);
    failures += !block || calls != 1;
    block = ta_heap_aligned_alloc(limited(2000), 4096, 100);
    say("aligned: %p, %d calls\n", block, calls);
    failures += !block || calls != 1;
    /* Class slots: free slots of another class. */
    ta_heap_t *heap = limited(16384);
    void *four[4];
    for (int i = 0; i < 4; i++) four[i] = ta_heap_malloc(heap, 4096);
    for (int i = 0; i < 4; i++) ta_heap_free(heap, four[i]);
    calls = 0;
    block = ta_heap_malloc(heap, 64);
    say("idle: %p, %d calls\n", block, calls);
    return failures != 0;
}
