#include "expect.h"

static void *block;
static pthread_t main_thread;

static void *outlives(void *ignored)
{
    EXPECT(pthread_join(main_thread, NULL) == 0);
    EXPECT(is_filled(block, 1000, 1));
    free(block);
    for (int i = 0; i < 1000; i++) free(malloc((size_t)i));
    exit(0);
    return ignored;
}

int main(void)
{
    block = malloc(1000);
    fill(block, 1000, 1);
    main_thread = pthread_self();
    start(outlives, NULL);
    pthread_exit(NULL);
}
