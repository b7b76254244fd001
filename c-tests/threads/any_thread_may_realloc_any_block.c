#include "expect.h"

enum { THREADS = 4, STEPS = 60 };

static void *grow(void *block)
{
    size_t bytes = malloc_usable_size(block);
    block = realloc(block, bytes + bytes / 3 + 1);
    EXPECT(block != NULL);
    EXPECT(is_filled(block, 64, 5));
    return block;
}

int main(void)
{
    void *block[THREADS];
    for (int i = 0; i < THREADS; i++) {
        block[i] = malloc(64);
        fill(block[i], 64, 5);
    }
    for (int step = 0; step < STEPS / 2; step++) {
        pthread_t thread[THREADS];
        for (int i = 0; i < THREADS; i++) thread[i] = start(grow, block[i]);
        for (int i = 0; i < THREADS; i++) block[(i + 1) % THREADS] = join(thread[i]);
    }
    for (int i = 0; i < THREADS; i++) free(block[i]);
}
