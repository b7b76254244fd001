#include "heap.h"

int main(void)
{
    ta_heap_options_t options = {.size = sizeof options, .flags = 0x8000};
    EXPECT_REFUSED((void *)ta_heap_create(&options), EINVAL);
    struct {
        ta_heap_options_t known;
        size_t of_a_later_version;
    } later = {.known = {.size = sizeof later}};
    EXPECT_REFUSED((void *)ta_heap_create(&later.known), EINVAL);
    options = (ta_heap_options_t){.size = offsetof(ta_heap_options_t, limit), .name = "an older version's", .limit = 1, .flags = 0x8000};
    ta_heap_t *heap = ta_heap_create(&options);
    EXPECT(heap && strcmp(ta_heap_name(heap), "an older version's") == 0 && ta_heap_limit(heap) == 0);
    options = (ta_heap_options_t){.size = sizeof options, .name = "a name that is longer than the thirty-one bytes kept of it"};
    heap = ta_heap_create(&options);
    EXPECT(heap && strcmp(ta_heap_name(heap), "a name that is longer than the ") == 0);
}
