#include "heap.h"

static ta_heap_t *heap;
static sem_t pushed;

static void *work(void *unused)
{
    EXPECT(ta_heap_push(heap) == 0);
    sem_post(&pushed);
    pause();
    return unused;
}

int main(void)
{
    watchdog(20);
    heap = heap_of("of another thread", 0);
    sem_init(&pushed, 0, 0);
    start(work, NULL);
    sem_wait(&pushed);
    pid_t child = fork();
    if (child == 0) {
        EXPECT(ta_heap_destroy(heap) == 0);
        _exit(0);
    }
    expect_child_exits_0(child);
    _exit(0);
}
