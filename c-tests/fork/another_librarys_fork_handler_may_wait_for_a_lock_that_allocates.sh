# A library's prepare handler waits for a mutex under which another thread allocates. Ours must have been registered before it, though
# the library's constructor runs before that of a preloaded library; else fork holds the heap's locks while it waits.
cat > other.c << 'END'
#include <pthread.h>
pthread_mutex_t other_lock = PTHREAD_MUTEX_INITIALIZER;
static void take(void) { pthread_mutex_lock(&other_lock); }
static void give(void) { pthread_mutex_unlock(&other_lock); }
__attribute__((constructor)) static void start(void) { pthread_atfork(take, give, give); }
END
cat > program.c << 'END'
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
extern pthread_mutex_t other_lock;
static void *churn(void *ignored)
{
    for (;;) {
        pthread_mutex_lock(&other_lock);
        free(malloc(100000));
        pthread_mutex_unlock(&other_lock);
    }
    return ignored;
}
int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, churn, NULL);
    for (int i = 0; i < 1000; i++) {
        pid_t child = fork();
        if (child == 0) _exit(0);
        waitpid(child, NULL, 0);
    }
    _exit(0);
}
END
$CC -shared -fPIC other.c -o libother.so -pthread
$CC -O1 -fno-builtin program.c -L. -lother -Wl,-rpath,"$PWD" -o program -pthread
LD_PRELOAD="$LIB_SO" timeout $((30 * ${C_TESTS_PATIENCE:-1})) ./program
