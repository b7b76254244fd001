// modes: linked static
// A heap that the thread entered comes first, whatever the token, and so does its limit handler.
#include "../heaps/heap.h"
#include "typed.h"

static int calls;

static int raise_limit(ta_heap_t *heap, size_t bytes, void *argument)
{
    (void)argument;
    calls++;
    return ta_heap_set_limit(heap, ta_heap_limit(heap) + bytes + MIB) == 0;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments == 1) {
        expect_again_with("partitions=off");
        expect_again_with("partitions=2");
        return 0;
    }
    struct ta_heap_options options = {.size = sizeof options, .limit = MIB, .on_limit = raise_limit};
    ta_heap_t *heap = ta_heap_create(&options);
    EXPECT(heap != NULL && ta_heap_push(heap) == 0);
    void *block = __alloc_token_malloc(4 * MIB, 1);
    EXPECT(block != NULL && calls == 1);
    void *zeroed = __alloc_token_calloc(2, 4 * MIB, 1);
    EXPECT(zeroed != NULL && calls == 2);
    EXPECT(ta_heap_pop() == 0);
    free(block);
    free(zeroed);
    ta_heap_destroy(heap);
    return 0;
}
