/* A destructor that sets its key again is called again, PTHREAD_DESTRUCTOR_ITERATIONS times: in
 * some of these rounds the allocator's own destructor has already run. */
#include "expect.h"

static pthread_key_t early_key, late_key;
static long rounds;

static void again(pthread_key_t key, void *value)
{
    __atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
    EXPECT(is_filled(value, 100, 1));
    free(value);
    void *block[50];
    for (int i = 0; i < 50; i++) {
        block[i] = malloc((size_t)i * 100);
        EXPECT(block[i] != NULL);
        fill(block[i], (size_t)i * 100, (unsigned)i);
    }
    for (int i = 0; i < 50; i++) {
        EXPECT(is_filled(block[i], (size_t)i * 100, (unsigned)i));
        free(block[i]);
    }
    void *next = realloc(malloc(10), 100);
    EXPECT(next != NULL);
    fill(next, 100, 1);
    pthread_setspecific(key, next);
}

static void early(void *value) { again(early_key, value); }
static void late(void *value) { again(late_key, value); }

static void *body(void *ignored)
{
    void *one = malloc(100), *other = malloc(100);
    fill(one, 100, 1);
    fill(other, 100, 1);
    pthread_setspecific(early_key, one);
    pthread_setspecific(late_key, other);
    return ignored;
}

int main(void)
{
    enum { THREADS = 500 };
    EXPECT(pthread_key_create(&early_key, early) == 0);
    for (int i = 0; i < 20; i++) {
        pthread_key_t between;
        EXPECT(pthread_key_create(&between, NULL) == 0);
    }
    free(malloc(100));
    EXPECT(pthread_key_create(&late_key, late) == 0);
    for (int i = 0; i < THREADS; i++) run_in_thread(body, NULL);
    EXPECT(rounds >= 2L * THREADS * 2);
    EXPECT(resident_bytes() < 48 * MIB);
}
