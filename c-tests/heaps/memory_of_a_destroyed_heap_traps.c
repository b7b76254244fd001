#include "heap.h"

static void read_it(void *at) { *(volatile char *)at; }
static void write_it(void *at) { *(volatile char *)at = 1; }

static void *destroy(void *heap)
{
    EXPECT(ta_heap_destroy(heap) == 0);
    return NULL;
}

int main(void)
{
    ta_heap_t *heap = heap_of("gone", 0);
    size_t sizes[] = {16, 100, 4000, 30000, 200000, 5 * MIB, 40 * MIB};
    char *block[COUNT_OF(sizes)];
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        block[i] = ta_heap_malloc(heap, sizes[i]);
        memset(block[i], 'x', sizes[i]);
    }
    size_t before = resident_bytes();
    run_in_thread(destroy, heap);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        expect_trap(read_it, block[i]);
        expect_trap(write_it, block[i] + sizes[i] - 1);
    }
    EXPECT(resident_bytes() + 44 * MIB < before);
    EXPECT(ta_heap_owner(block[0]) == NULL);
    /* What comes next may use the addresses again, and reads zero. */
    for (int i = 0; i < 100; i++) {
        void *fresh = calloc(1, 30000);
        EXPECT(is_zero(fresh, 30000));
        memset(fresh, 'y', 30000);
    }
}
