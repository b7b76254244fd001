#include <time.h>

#include "heap.h"

static void *body(void *argument)
{
    EXPECT(ta_heap_current() == ta_heap_global());
    return argument;
}

static void keep(const char *text)
{
    time_t now = 0;
    run_in_thread(body, NULL);
    EXPECT(setenv("KEPT_BY_THE_C_LIBRARY", text, 1) == 0 && localtime(&now) != NULL);
    EXPECT(printf("%s\n", text) > 0);
}

int main(void)
{
    ta_heap_t *heap = heap_of("plugin", 0);
    EXPECT(ta_heap_push(heap) == 0);
    void *block = malloc(100);
    EXPECT(ta_heap_owner(block) == heap && ta_heap_push(ta_heap_global()) == 0);
    keep("once");
    EXPECT(ta_heap_pop() == 0);
    free(block);
    EXPECT(heap_stats(heap).allocated == 0);
    EXPECT(ta_heap_pop() == 0 && ta_heap_destroy(heap) == 0);
    keep("again");
}
