#include "expect.h"

enum { THREADS = 16, WARM = 20, ROUNDS = 100 };

static void *body(void *ignored)
{
    for (int i = 0; i < 300; i++) {
        void *block = malloc((size_t)(i * 37 % 3000) + 1);
        EXPECT(block != NULL);
        *(char *)block = 1;
        free(block);
    }
    return ignored;
}

static void one_round(void)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) thread[i] = start(body, NULL);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
}

int main(void)
{
    for (int i = 0; i < WARM; i++) one_round();
    size_t resident = resident_bytes();
    for (int i = 0; i < ROUNDS; i++) one_round();
    EXPECT(resident_bytes() <= resident + 2 * MIB);
}
