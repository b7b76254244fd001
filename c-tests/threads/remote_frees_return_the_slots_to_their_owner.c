/* One thread only allocates, the other only frees: the memory must go round, not grow. */
#include "expect.h"

enum { RING = 1024, BLOCKS = 1500000, BLOCK_BYTES = 256 };

static void *ring[RING];
static unsigned long written, taken;

static void *consumer(void *ignored)
{
    (void)ignored;
    for (unsigned long i = 0; i < BLOCKS; i++) {
        while (__atomic_load_n(&written, __ATOMIC_ACQUIRE) == i) sched_yield();
        EXPECT(is_filled(ring[i % RING], 32, (unsigned)i));
        free(ring[i % RING]);
        __atomic_store_n(&taken, i + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

int main(void)
{
    size_t before = resident_bytes();
    pthread_t thread = start(consumer, NULL);
    for (unsigned long i = 0; i < BLOCKS; i++) {
        while (i - __atomic_load_n(&taken, __ATOMIC_ACQUIRE) == RING) sched_yield();
        ring[i % RING] = malloc(BLOCK_BYTES);
        EXPECT(ring[i % RING] != NULL);
        fill(ring[i % RING], 32, (unsigned)i);
        __atomic_store_n(&written, i + 1, __ATOMIC_RELEASE);
    }
    join(thread);
    EXPECT(resident_bytes() < before + 16 * MIB);
}
