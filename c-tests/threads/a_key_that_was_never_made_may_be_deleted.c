// Libraries delete keys that they never made: a variable for a key that is still 0. Such a call
// must not strike the key of the library: heaps would stay behind, and the destructor of the key
// that is made next would get the library's values.
#include "expect.h"

enum { THREADS = 100 };

static pthread_key_t never_made, made;
static int destroyed;

static void destroy(void *value)
{
    EXPECT(value == &made);
    __atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
}

static void *only_allocates(void *nothing)
{
    free(hidden(malloc(100)));
    return nothing;
}

static void *sets_the_key(void *nothing)
{
    EXPECT(pthread_setspecific(made, &made) == 0);
    return only_allocates(nothing);
}

static void run_threads(void)
{
    for (int thread = 0; thread < THREADS; thread++) {
        run_in_thread(only_allocates, NULL);
        run_in_thread(sets_the_key, NULL);
    }
}

int main(void)
{
    require_tinyalloc();
    free(hidden(malloc(10)));
    pthread_key_delete(never_made);
    EXPECT(pthread_key_create(&made, destroy) == 0);
    run_threads();
    size_t heaps = stats().heaps;
    run_threads();
    EXPECT(destroyed == 2 * THREADS);
    EXPECT(stats().heaps == heaps);
    return 0;
}
