/* __cxa_thread_atexit_impl is what C++ and Rust use for thread_local destructors; it callocs by
 * itself. */
#include "expect.h"

extern int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);
extern void *__dso_handle;

static long destroyed;

static void destroy(void *block)
{
    EXPECT(is_filled(block, 500, 2));
    free(block);
    void *other = calloc(10, 100);
    EXPECT(other != NULL);
    free(other);
    if (__atomic_add_fetch(&destroyed, 1, __ATOMIC_RELAXED) % 2 == 0) return;
    void *next = malloc(500);
    fill(next, 500, 2);
    EXPECT(__cxa_thread_atexit_impl(destroy, next, &__dso_handle) == 0);
}

static void *body(void *ignored)
{
    void *block = malloc(500);
    fill(block, 500, 2);
    EXPECT(__cxa_thread_atexit_impl(destroy, block, &__dso_handle) == 0);
    return ignored;
}

int main(void)
{
    enum { THREADS = 1000 };
    for (int i = 0; i < THREADS; i++) run_in_thread(body, NULL);
    EXPECT(destroyed == 2 * THREADS);
    EXPECT(resident_bytes() < 32 * MIB);
}
