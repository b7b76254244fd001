#include "expect.h"

enum { THREADS = 4, BLOCKS = 500, ROUNDS = 200 };

static void *body(void *number)
{
    unsigned seed = (unsigned)(uintptr_t)number * 1000;
    void *block[BLOCKS];
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < BLOCKS; i++) {
            block[i] = malloc(i % 120 * 8 + 8);
            EXPECT(block[i] != NULL);
            fill(block[i], i % 120 * 8 + 8, seed + i);
        }
        for (unsigned i = 0; i < BLOCKS; i++) {
            EXPECT(is_filled(block[i], i % 120 * 8 + 8, seed + i));
            free(block[i]);
        }
    }
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) thread[i] = start(body, (void *)i);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
}
