#include "confined.h"

static void *body(void *ignored)
{
    for (unsigned i = 0; i < 2000; i++) {
        void *block = malloc(i * 13 % 3000);
        EXPECT(block != NULL);
        free(block);
    }
    return ignored;
}

int main(int count, char **argument)
{
    if (count == 1) confine(argument, RLIMIT_AS, 48 * MIB);
    pthread_attr_t small;
    pthread_t thread[16];
    EXPECT(pthread_attr_init(&small) == 0);
    EXPECT(pthread_attr_setstacksize(&small, 256 * KIB) == 0);
    for (int round = 0; round < 10; round++) {
        for (size_t i = 0; i < COUNT_OF(thread); i++) EXPECT(pthread_create(&thread[i], &small, body, NULL) == 0);
        for (size_t i = 0; i < COUNT_OF(thread); i++) join(thread[i]);
    }
}
