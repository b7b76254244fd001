/* PTHREAD_STACK_MIN must carry thread start, every slow path, and thread exit. */
#include "expect.h"

static void *body(void *ignored)
{
    void *block[20];
    for (int i = 0; i < 20; i++) {
        block[i] = malloc((size_t)1 << i);
        EXPECT(block[i] != NULL);
        *(char *)block[i] = 1;
    }
    for (int i = 0; i < 20; i++) block[i] = realloc(block[i], (size_t)3 << i);
    for (int i = 0; i < 20; i++) {
        EXPECT(block[i] != NULL);
        free(block[i]);
    }
    free(calloc(100, 100));
    free(memalign(65536, 100000));
    malloc_trim(0);
    return ignored;
}

int main(void)
{
    pthread_attr_t attributes;
    pthread_t thread[20];
    EXPECT(pthread_attr_init(&attributes) == 0);
    EXPECT(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT_OF(thread); i++) EXPECT(pthread_create(&thread[i], &attributes, body, NULL) == 0);
        for (size_t i = 0; i < COUNT_OF(thread); i++) join(thread[i]);
    }
}
