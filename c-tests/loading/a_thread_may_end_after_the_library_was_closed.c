// modes: bare
/* mimalloc#164: its thread-exit destructor was gone with the code. */
#include "expect.h"

static pthread_barrier_t used, closed;

static void *body(void *library)
{
    void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
    EXPECT(allocate != NULL);
    void *block = allocate(100);
    EXPECT(block != NULL);
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&closed);
    return NULL;
}

int main(void)
{
    pthread_barrier_init(&used, NULL, 2);
    pthread_barrier_init(&closed, NULL, 2);
    for (int round = 0; round < 20; round++) {
        void *library = dlopen(getenv("LIB_SO"), RTLD_NOW | RTLD_LOCAL);
        EXPECT(library != NULL);
        pthread_t thread = start(body, library);
        pthread_barrier_wait(&used);
        EXPECT(dlclose(library) == 0);
        pthread_barrier_wait(&closed);
        join(thread);
    }
}
