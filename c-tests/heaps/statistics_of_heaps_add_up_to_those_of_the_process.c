#include "heap.h"

int main(void)
{
    ta_heap_t *a = heap_of("a", 0), *b = heap_of("b", 0);
    for (int i = 0; i < 1000; i++) EXPECT(ta_heap_malloc(a, 100) && ta_heap_malloc(b, 3000) && malloc(50));
    EXPECT(ta_heap_malloc(a, MIB) && ta_heap_malloc(b, 64 * MIB));
    struct ta_stats of_a = heap_stats(a), of_b = heap_stats(b), of_global = heap_stats(ta_heap_global()), all;
    EXPECT(ta_stats(&all, sizeof all) == 0);
    EXPECT(of_a.live_slots == 1000 && of_a.allocated == 1000 * 112 + MIB && of_a.large_blocks == 1);
    EXPECT(of_b.live_slots == 1000 && of_b.allocated == 1000 * 3072 + 64 * MIB && of_b.huge_blocks == 1);
    EXPECT(of_a.allocated + of_b.allocated + of_global.allocated == all.allocated);
    EXPECT(of_a.live_slots + of_b.live_slots + of_global.live_slots == all.live_slots);
    EXPECT(of_a.mapped + of_b.mapped + of_global.mapped == all.mapped);
    EXPECT(of_a.metadata + of_b.metadata + of_global.metadata == all.metadata);
    char text[4096] = "";
    int ends[2];
    EXPECT(pipe(ends) == 0 && ta_heap_stats_print(a, TA_FORMAT_JSON, ends[1]) == 0 && close(ends[1]) == 0);
    EXPECT(read_all(ends[0], text, sizeof text - 1) > 100 && strstr(text, "\"a\"") && strstr(text, "allocated"));
}
