#include "heap.h"

int main(void)
{
    ta_heap_t *heap = heap_of("errors", 0);
    size_t absurd = hidden_size(SIZE_MAX - 100);
    void *block = ta_heap_malloc(heap, 64);
    fill(block, 64, 1);
    EXPECT_REFUSED(ta_heap_malloc(heap, absurd), ENOMEM);
    EXPECT_REFUSED(ta_heap_malloc(heap, (size_t)PTRDIFF_MAX + 1), ENOMEM);
    EXPECT_REFUSED(ta_heap_calloc(heap, absurd / 2, 4), ENOMEM);
    EXPECT_REFUSED(ta_heap_calloc(heap, absurd, 1), ENOMEM);
    EXPECT_REFUSED(ta_heap_realloc(heap, block, absurd), ENOMEM);
    EXPECT_REFUSED(ta_heap_reallocarray(heap, block, absurd / 2, 4), ENOMEM);
    EXPECT_REFUSED(ta_heap_aligned_alloc(heap, 24, 10), EINVAL);
    EXPECT_REFUSED(ta_heap_aligned_alloc(heap, 0, 10), EINVAL);
    EXPECT_REFUSED(ta_heap_aligned_alloc(heap, 64, absurd), ENOMEM);
    EXPECT(is_filled(block, 64, 1));
    errno = ERRNO_UNTOUCHED;
    void *empty = ta_heap_malloc(heap, 0), *other = ta_heap_calloc(heap, 0, 10);
    EXPECT(empty && other && empty != other);
    ta_heap_free(heap, empty);
    ta_heap_free(heap, other);
    ta_heap_free(heap, block);
    EXPECT(errno == ERRNO_UNTOUCHED);
}
