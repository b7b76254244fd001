#include "heap.h"

enum { LIMIT = 1 << 20, BLOCK = 1000 };

static int calls, answer;
static void *spare;

static int on_limit(ta_heap_t *heap, size_t bytes, void *argument)
{
    EXPECT(bytes == BLOCK && argument == &calls && strcmp(ta_heap_name(heap), "bounded") == 0);
    calls++;
    void *elsewhere = malloc(100);
    EXPECT(elsewhere != NULL);
    free(elsewhere);
    if (answer) {
        ta_heap_free(heap, spare);
        answer = 0;
        return 1;
    }
    return 0;
}

int main(void)
{
    ta_heap_options_t options = {.size = sizeof options, .name = "bounded", .limit = LIMIT, .on_limit = on_limit, .argument = &calls};
    ta_heap_t *heap = ta_heap_create(&options);
    size_t blocks = 0;
    void *block;
    errno = 0;
    while ((block = ta_heap_malloc(heap, BLOCK))) spare = block, blocks++;
    EXPECT(errno == ENOMEM && calls == 1);
    EXPECT(blocks * 1024 <= LIMIT && blocks * 1024 > LIMIT - 2048);
    EXPECT(malloc(10 * MIB) != NULL);
    answer = 1;
    EXPECT(ta_heap_malloc(heap, BLOCK) != NULL && calls == 2);
    EXPECT(ta_heap_push(heap) == 0);
    EXPECT_REFUSED(malloc(hidden_size(BLOCK)), ENOMEM);
    EXPECT(calls == 3);
    EXPECT(ta_heap_pop() == 0);
    EXPECT(ta_heap_set_limit(heap, 2 * LIMIT) == 0 && ta_heap_limit(heap) == 2 * LIMIT);
    EXPECT(ta_heap_malloc(heap, BLOCK) != NULL && calls == 3);
    EXPECT_REFUSED(ta_heap_malloc(heap, (size_t)PTRDIFF_MAX + 1), ENOMEM);
    EXPECT(ta_heap_set_limit(heap, 0) == 0);
    EXPECT(ta_heap_malloc(heap, 8 * MIB) != NULL);
    EXPECT(ta_heap_destroy(heap) == 0);
}
