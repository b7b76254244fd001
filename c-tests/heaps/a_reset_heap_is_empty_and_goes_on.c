#include "heap.h"

static void read_it(void *at) { *(volatile char *)at; }

static void fill_up(ta_heap_t *heap)
{
    for (size_t bytes = 1; bytes < 300000; bytes += bytes / 3 + 1) {
        void *block = ta_heap_calloc(heap, 1, bytes);
        EXPECT(is_zero(block, bytes));
        memset(block, 'x', bytes);
    }
}

int main(void)
{
    ta_heap_t *heap = heap_of("request", 0);
    fill_up(heap);
    size_t metadata = heap_stats(heap).metadata, reserved = stats().reserved;
    for (int round = 0; round < 2000; round++) {
        EXPECT(ta_heap_reset(heap) == 0);
        EXPECT(heap_stats(heap).allocated == 0 && heap_stats(heap).large_blocks == 0);
        fill_up(heap);
    }
    EXPECT(heap_stats(heap).metadata == metadata && stats().reserved == reserved);
    ta_heap_options_t options = {.size = sizeof options, .name = "secret", .flags = TA_HEAP_RESET_RELEASES_MEMORY};
    ta_heap_t *secret = ta_heap_create(&options);
    char *block = ta_heap_malloc(secret, 1000);
    EXPECT(ta_heap_reset(secret) == 0);
    expect_trap(read_it, block);
    fill_up(secret);
    EXPECT(ta_heap_destroy(secret) == 0 && ta_heap_destroy(heap) == 0);
}
