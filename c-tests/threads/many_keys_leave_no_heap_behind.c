// A process that has made more keys than a thread has room for (32 in the GNU C library), before
// any constructor of the library ran, or later. The first allocation of each thread is the one that
// pthread_setspecific makes for a late key: it arms the destructor that returns the thread's heap,
// and then replaces the memory that the destructor's own value is kept in.
#include "expect.h"

enum { KEYS = 40, THREADS = 300 };

static pthread_key_t keys[2 * KEYS];
static int made;

static void make_keys(void)
{
    for (int end = made + KEYS; made < end; made++) EXPECT(pthread_key_create(&keys[made], NULL) == 0);
}

__attribute__((section(".preinit_array"), used)) static void (*const make_keys_first)(void) = make_keys;

static void *sets_a_late_key(void *key)
{
    EXPECT(pthread_setspecific(keys[*(int *)key], key) == 0);
    free(hidden(malloc(100)));
    EXPECT(pthread_getspecific(keys[*(int *)key]) == key);
    return NULL;
}

static void *only_allocates(void *nothing)
{
    free(hidden(malloc(100)));
    return nothing;
}

static void run_threads(void)
{
    for (int thread = 0; thread < THREADS; thread++) {
        int key = (thread * 7) % made;
        run_in_thread(sets_a_late_key, &key);
        run_in_thread(only_allocates, NULL);
    }
}

static void expect_nothing_left(void)
{
    run_threads();
    struct ta_stats before = stats();
    run_threads();
    struct ta_stats after = stats();
    EXPECT(after.heaps == before.heaps);
    EXPECT(after.live_slots <= before.live_slots + 2);
}

int main(void)
{
    require_tinyalloc();
    EXPECT(made == KEYS);
    expect_nothing_left();
    make_keys();
    expect_nothing_left();
    return 0;
}
