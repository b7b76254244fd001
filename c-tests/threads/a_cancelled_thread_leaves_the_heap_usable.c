#include "expect.h"

static void cleanup(void *block)
{
    free(*(void **)block);
    free(malloc(500));
}

static void *body(void *ignored)
{
    void *volatile block = NULL;
    pthread_cleanup_push(cleanup, (void *)&block);
    for (unsigned i = 0;; i++) {
        free(block);
        block = malloc(i * 37 % 5000);
        pthread_testcancel();
    }
    pthread_cleanup_pop(1);
    return ignored;
}

int main(void)
{
    watchdog(50);
    for (int i = 0; i < 300; i++) {
        pthread_t thread = start(body, NULL);
        for (int j = 0; j < 100; j++) free(malloc((size_t)j * 16));
        EXPECT(pthread_cancel(thread) == 0);
        EXPECT(join(thread) == PTHREAD_CANCELED);
    }
    EXPECT(resident_bytes() < 32 * MIB);
}
