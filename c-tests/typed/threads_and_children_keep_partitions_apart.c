// modes: linked static
// Threads allocate with tokens, free what others have, and end; others take over from them; memory
// goes back; a child goes on.
#include "typed.h"

#include <stdatomic.h>

enum { THREADS = 6, ROUNDS = 12, BLOCKS = 300, TOKENS = 4, SHARED = 256 };

static _Atomic(void *) shared[SHARED];

static size_t size_of(unsigned random)
{
    if (random % 50 == 0) return 100000 + random % 900000;
    return random % 10 == 0 ? 1000 + random % 30000 : 1 + random % 600;
}

static void *allocate(unsigned *seed)
{
    int token = rand_r(seed) % (TOKENS + 1) - 1;
    size_t bytes = size_of((unsigned)rand_r(seed));
    void *block = token < 0 ? malloc(bytes) : __alloc_token_malloc(bytes, (size_t)token);
    EXPECT(block != NULL && is_alone(block, token + 1));
    if (token >= 0 && rand_r(seed) % 4 == 0) {
        bytes = size_of((unsigned)rand_r(seed));
        block = realloc(block, bytes);
        EXPECT(is_alone(block, token + 1));
    }
    memset(block, token, 16 < bytes ? 16 : bytes);
    return block;
}

static void *work(void *argument)
{
    unsigned seed = (unsigned)(uintptr_t)argument;
    void *own[BLOCKS] = {NULL};
    for (int step = 0; step < 6 * BLOCKS; step++) {
        int at = rand_r(&seed) % BLOCKS;
        free(own[at]);
        own[at] = allocate(&seed);
        if (step % 8 == 0) {
            void **other = &own[rand_r(&seed) % BLOCKS];
            *other = atomic_exchange(&shared[rand_r(&seed) % SHARED], *other);
        }
    }
    for (int at = 0; at < BLOCKS; at++) free(own[at]);
    return NULL;
}

static void run_threads(unsigned seed)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) EXPECT(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(seed + round * THREADS + i)) == 0);
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
        if (round % 4 == 3) {
            for (int at = 0; at < SHARED; at++) free(atomic_exchange(&shared[at], NULL));
            malloc_trim(0);
        }
    }
}

int main(int count, char **arguments)
{
    (void)arguments;
    if (count == 1) {
        expect_again_with("partitions=4,tokens=4");
        expect_again_with("partitions=4,purge=eager");
        expect_again_with("partitions=4,hardened=on");
        expect_again_with("partitions=4,profile=4K,profile_at_exit=off");
        return 0;
    }
    run_threads(1);
    pid_t child = fork();
    EXPECT(child >= 0);
    run_threads(child == 0 ? 1000 : 2000);
    if (child == 0) _exit(0);
    int status;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
}
