/* A server with a thread for each connection: most sleep, each with a few blocks of several sizes.
 * What a thread costs is its blocks and its stack, not pages and heaps of its own. */
#include "expect.h"

enum { THREADS = 2000, BLOCKS = 8, SMALLEST = 24, BYTES_PER_THREAD_MAX = 28 * 1024 };

static pthread_mutex_t parked = PTHREAD_MUTEX_INITIALIZER;
static int ready;
static char *block[THREADS][BLOCKS];

static void *hold(void *argument)
{
    char **mine = argument;
    for (int i = 0; i < BLOCKS; i++) {
        mine[i] = malloc((size_t)SMALLEST << i);
        EXPECT(mine[i] != NULL);
        memset(mine[i], 0x11, (size_t)SMALLEST << i);
    }
    __atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
    pthread_mutex_lock(&parked);
    pthread_mutex_unlock(&parked);
    for (int i = 0; i < BLOCKS; i++) {
        for (size_t at = 0; at < (size_t)SMALLEST << i; at++) EXPECT(mine[i][at] == 0x11);
        free(mine[i]);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * KIB);
    pthread_mutex_lock(&parked);
    size_t before = resident_bytes();
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&thread[i], &attributes, hold, block[i]) != 0) skip("no more threads");
    }
    while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) < THREADS) usleep(1000);
    size_t each = (resident_bytes() - before) / THREADS;
    say("%zu bytes for each thread\n", each);
    EXPECT(each <= BYTES_PER_THREAD_MAX);
    pthread_mutex_unlock(&parked);
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
    return 0;
}
