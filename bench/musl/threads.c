/* Threads that replace blocks at random, and hand every eighth one to the next thread, which frees
 * it. usage: threads THREADS; each of them makes as many replacements. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { BLOCKS = 1000, REPLACEMENTS = 1000000, THREADS_MAX = 64, BYTES_MAX = 1024, HANDED_OVER = 8 };

static _Atomic(void *) handed_to[THREADS_MAX];
static int threads;

static uint32_t next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

static void *work(void *number)
{
    void *block[BLOCKS] = {0};
    int self = (int)(intptr_t)number, neighbour = (self + 1) % threads;
    uint32_t state = 2463534242u + (uint32_t)self;
    for (int i = 0; i < REPLACEMENTS; i++) {
        uint32_t at = next(&state) % BLOCKS, bytes = 16 + next(&state) % (BYTES_MAX - 16);
        if (i % HANDED_OVER == 0) {
            free(atomic_exchange(&handed_to[neighbour], block[at]));
        } else {
            free(block[at]);
        }
        block[at] = malloc(bytes);
        *(char *)block[at] = 1;
    }
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    free(atomic_exchange(&handed_to[self], NULL));
    return NULL;
}

int main(int count, char **argument)
{
    pthread_t thread[THREADS_MAX];
    threads = count > 1 ? atoi(argument[1]) : 1;
    if (threads < 1 || threads > THREADS_MAX) return 2;
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, (void *)(intptr_t)i) != 0) return 1;
    for (int i = 0; i < threads; i++) pthread_join(thread[i], NULL);
    return 0;
}
