#include "expect.h"

static pthread_key_t key;

static void destroy(void *value)
{
    (void)value;
    void *block = malloc(1000);
    EXPECT(block != NULL);
    fill(block, 1000, 1);
    free(block);
}

static void *body(void *ignored)
{
    pthread_setspecific(key, &key);
    return ignored;
}

int main(void)
{
    EXPECT(pthread_key_create(&key, destroy) == 0);
    for (int i = 0; i < 2000; i++) run_in_thread(body, NULL);
    EXPECT(resident_bytes() < 32 * MIB);
}
