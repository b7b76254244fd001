// modes: bare
/* The library's static TLS is given to threads that were there before it was opened. */
#include "expect.h"

static pthread_barrier_t opened;
static void *library;

static void *body(void *ignored)
{
    pthread_barrier_wait(&opened);
    void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
    void (*release)(void *) = (void (*)(void *))dlsym(library, "free");
    for (size_t i = 0; i < 3000; i++) {
        void *block = allocate(i);
        EXPECT(block != NULL);
        fill(block, i, 1);
        release(block);
    }
    return ignored;
}

int main(void)
{
    pthread_t thread[4];
    pthread_barrier_init(&opened, NULL, 5);
    for (int i = 0; i < 4; i++) thread[i] = start(body, NULL);
    library = dlopen(getenv("LIB_SO"), RTLD_NOW | RTLD_LOCAL);
    EXPECT(library != NULL);
    pthread_barrier_wait(&opened);
    for (int i = 0; i < 4; i++) join(thread[i]);
}
