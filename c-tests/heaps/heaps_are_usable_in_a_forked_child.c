#include "heap.h"

static ta_heap_t *heap;
static _Bool volatile running = true;

static void *work(void *unused)
{
    while (running) ta_heap_free(heap, ta_heap_malloc(heap, 100));
    return unused;
}

int main(void)
{
    watchdog(50);
    heap = heap_of("inherited", 0);
    pthread_t thread[3];
    for (int i = 0; i < 3; i++) thread[i] = start(work, NULL);
    EXPECT(ta_heap_push(heap) == 0);
    for (int round = 0; round < 200; round++) {
        char *block = strdup("of the parent");
        pid_t child = fork();
        if (child == 0) {
            EXPECT(strcmp(block, "of the parent") == 0 && ta_heap_owner(block) == heap);
            free(block);
            for (size_t bytes = 1; bytes < 100000; bytes *= 3) free(malloc(bytes));
            EXPECT(ta_heap_pop() == 0 && ta_heap_destroy(heap) == 0);
            ta_heap_t *own = heap_of("the child's", 0);
            EXPECT(ta_heap_malloc(own, 100) && ta_heap_destroy(own) == 0);
            _exit(0);
        }
        expect_child_exits_0(child);
        free(block);
    }
    running = false;
    for (int i = 0; i < 3; i++) join(thread[i]);
    EXPECT(ta_heap_pop() == 0 && ta_heap_destroy(heap) == 0);
}
