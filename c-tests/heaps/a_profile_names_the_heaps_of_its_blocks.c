/* Blocks of isolated heaps are sampled as all others; the dump says of which heap each one is, and
 * they are gone with it. A heap has an interval of its own, if it is to. */
#include "heap.h"

#include "../profile/profile.h"

enum { BLOCKS = 400, BYTES = 1000 };

static void fill_heap(ta_heap_t *heap)
{
    for (int i = 0; i < BLOCKS; i++) EXPECT(ta_heap_malloc(heap, BYTES) != NULL);
    EXPECT(ta_heap_malloc(heap, 100 * BYTES) != NULL);
}

/* Lines of blocks of the heap of that number. */
static int blocks_of(const char *text, long number)
{
    char heap[64];
    int blocks = 0;
    snprintf(heap, sizeof heap, "\"heap\":%ld,", number);
    for (const char *line = text; (line = strstr(line, "{\"block\":{")) != NULL; line++) {
        const char *end = strchr(line, '\n'), *at = strstr(line, heap);
        EXPECT(end != NULL);
        if (at != NULL && at < end) {
            blocks++;
            double requested = number_after(line, "\"requested\":");
            EXPECT(requested == BYTES || requested == 100 * BYTES);
            EXPECT(number_after(line, "\"alignment\":") == 1 && number_after(line, "\"bytes\":") >= requested);
        }
    }
    return blocks;
}

static long number_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    if (at == NULL) return 0;
    while (strncmp(at, "{\"heap\":{", 9) != 0) at--;
    return (long)number_after(at, "\"number\":");
}

int main(void)
{
    static struct dump dump;
    require_tinyalloc();
    EXPECT(option_set("profile", "1") == 0);
    ta_heap_options_t options = { .size = sizeof options, .name = "the \"cache\"", .limit = 64 << 20 };
    ta_heap_t *cache = ta_heap_create(&options), *other = ta_heap_create(NULL);
    EXPECT(cache != NULL && other != NULL);
    EXPECT(ta_heap_set_profile(other, 0) == 0);
    fill_heap(cache);
    fill_heap(other);
    const char *text = dump_now(&dump);
    long number = number_of(text, "\"name\":\"the \\\"cache\\\"\",\"limit\":67108864,");
    EXPECT(number > 0 && blocks_of(text, number) == BLOCKS + 1);
    EXPECT(blocks_of(text, number + 1) == 0 && blocks_of(text, number - 1) == 0);

    EXPECT(option_set("profile", "off") == 0);
    EXPECT(ta_heap_set_profile(other, 1) == 0);
    fill_heap(other);
    EXPECT(number_of(dump_now(&dump), "\"name\":\"\",\"limit\":18446744073709551615,") > 0);

    EXPECT(ta_heap_destroy(cache) == 0 && ta_heap_reset(other) == 0);
    text = dump_now(&dump);
    EXPECT(blocks_of(text, number) == 0 && strstr(text, "\"heap\":1,") == NULL && strstr(text, "the \\\"cache") == NULL);
    EXPECT(ta_heap_destroy(other) == 0);
}
