#include "heap.h"

static void *elsewhere(void *unused)
{
    void *block = malloc(100);
    EXPECT(ta_heap_owner(block) == ta_heap_global() && ta_heap_current() == ta_heap_global());
    return unused ? unused : block;
}

int main(void)
{
    ta_heap_t *heap = heap_of("plugin", 0), *inner = heap_of("inner", 0);
    char *before = malloc(100);
    EXPECT(ta_heap_current() == ta_heap_global() && ta_heap_push(heap) == 0 && ta_heap_current() == heap);
    char *copy = strdup("a string that the C library allocates"), *text = NULL;
    EXPECT(asprintf(&text, "%s and %d", copy, 4711) > 0);
    void *large = malloc(100000), *huge = calloc(40, MIB), *aligned = aligned_alloc(256, 1000);
    EXPECT(ta_heap_owner(copy) == heap && ta_heap_owner(text) == heap && ta_heap_owner(aligned) == heap);
    EXPECT(ta_heap_owner(large) == heap && ta_heap_owner(huge) == heap);
    before = realloc(before, 5000);
    EXPECT(ta_heap_owner(before) == ta_heap_global());
    EXPECT(ta_heap_push(inner) == 0);
    EXPECT(ta_heap_owner(malloc(10)) == inner && ta_heap_push(ta_heap_global()) == 0);
    EXPECT(ta_heap_owner(malloc(10)) == ta_heap_global() && ta_heap_owner(ta_heap_malloc(heap, 10)) == heap);
    free(elsewhere(NULL));
    run_in_thread(elsewhere, &heap);
    EXPECT(ta_heap_destroy(heap) == -1 && errno == EBUSY);
    EXPECT(ta_heap_pop() == 0 && ta_heap_current() == inner && ta_heap_pop() == 0 && ta_heap_current() == heap);
    copy = realloc(copy, 100000);
    EXPECT(ta_heap_owner(copy) == heap && strcmp(copy, "a string that the C library allocates") == 0);
    free(before);
    EXPECT(ta_heap_pop() == 0 && ta_heap_pop() == -1 && errno == EINVAL);
    free(text);
    int depth = 0;
    while (ta_heap_push(inner) == 0) depth++;
    EXPECT(errno == EOVERFLOW && depth >= 32);
    while (ta_heap_pop() == 0) depth--;
    EXPECT(depth == 0);
    EXPECT(ta_heap_destroy(heap) == 0 && ta_heap_destroy(inner) == 0);
    EXPECT(ta_heap_owner(malloc(10)) == ta_heap_global());
}
