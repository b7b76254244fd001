#include "heap.h"

static int visit(void *block, size_t bytes, void *argument)
{
    (void)block, (void)bytes, (void)argument;
    return 1;
}

#define EXPECT_INVALID(call)                                                                                           \
    do {                                                                                                               \
        errno = ERRNO_UNTOUCHED;                                                                                       \
        EXPECT((call) == -1 && errno == EINVAL);                                                                       \
    } while (0)

int main(void)
{
    ta_heap_t *none = hidden(NULL);
    struct ta_stats stats;
    EXPECT(ta_heap_destroy(none) == 0);
    ta_heap_free(none, NULL);
    EXPECT_REFUSED(ta_heap_malloc(none, 10), EINVAL);
    EXPECT_REFUSED(ta_heap_calloc(none, 10, 10), EINVAL);
    EXPECT_REFUSED(ta_heap_realloc(none, NULL, 10), EINVAL);
    EXPECT_REFUSED(ta_heap_reallocarray(none, NULL, 10, 10), EINVAL);
    EXPECT_REFUSED(ta_heap_aligned_alloc(none, 16, 10), EINVAL);
    EXPECT_REFUSED((void *)ta_heap_name(none), EINVAL);
    EXPECT_INVALID(ta_heap_reset(none));
    EXPECT_INVALID(ta_heap_purge(none));
    EXPECT_INVALID(ta_heap_set_limit(none, 10));
    EXPECT_INVALID(ta_heap_set_profile(none, 10));
    EXPECT_INVALID(ta_heap_set_profile(ta_heap_global(), 10));
    EXPECT_INVALID(ta_heap_stats(none, &stats, sizeof stats));
    EXPECT_INVALID(ta_heap_walk(none, visit, NULL));
    EXPECT_INVALID(ta_heap_push(none));
    EXPECT_INVALID(ta_heap_pop());
    EXPECT(ta_heap_owner(NULL) == NULL && ta_heap_owner(&stats) == NULL);
    EXPECT(ta_heap_contains(none, NULL) == 0 && ta_heap_usable_size(none, NULL) == 0);
    ta_heap_t *heap = ta_heap_create(NULL);
    EXPECT(heap != NULL);
    EXPECT_INVALID(ta_heap_stats(heap, hidden(NULL), sizeof stats));
    EXPECT_INVALID(ta_heap_walk(heap, NULL, NULL));
    ta_heap_free(heap, NULL);
    EXPECT(ta_heap_usable_size(heap, NULL) == 0);
    EXPECT(ta_heap_destroy(heap) == 0);
}
