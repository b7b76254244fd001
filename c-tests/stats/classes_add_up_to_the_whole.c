#include "stats.h"

struct class_stats {
    size_t slot_bytes, spans, live_slots, free_slots;
};

int main(void)
{
    static struct class_stats entry[300];
    size_t (*classes)(struct class_stats *, size_t) = (size_t (*)(struct class_stats *, size_t))need("ta_stats_classes");
    require_tinyalloc();
    for (size_t bytes = 1; bytes < 40000; bytes += 7) EXPECT(malloc(bytes) != NULL);
    size_t count = classes(NULL, 0);
    EXPECT(count > 10 && count < COUNT_OF(entry));
    memset(entry, 0xEE, sizeof entry);
    EXPECT(classes(entry, 2) == count);
    EXPECT(entry[2].slot_bytes == (size_t)0xEEEEEEEEEEEEEEEE);
    EXPECT(classes(entry, COUNT_OF(entry)) == count);
    EXPECT(entry[count].slot_bytes == (size_t)0xEEEEEEEEEEEEEEEE);
    struct all_stats now = all_stats();
    size_t live = 0, idle = 0, spans = 0;
    for (size_t i = 0; i < count; i++) {
        EXPECT(i == 0 || entry[i].slot_bytes > entry[i - 1].slot_bytes);
        live += entry[i].live_slots;
        idle += entry[i].free_slots;
        spans += entry[i].spans;
    }
    EXPECT(live == now.first.live_slots);
    EXPECT(idle == now.first.free_slots);
    EXPECT(spans <= now.first.spans);
    size_t (*good)(size_t) = (size_t (*)(size_t))need("malloc_good_size");
    for (size_t i = 0; i < count; i++) EXPECT(good(entry[i].slot_bytes) == entry[i].slot_bytes);
}
