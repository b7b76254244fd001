/* Chains of threads: each frees and replaces what its predecessor left, starts its successor and
 * ends, while the other chains do the same. Heaps of ended threads are taken over whole, and span
 * by span, at once. */
#include "expect.h"

enum { CHAINS = 4, LINKS = 150, BLOCKS = 1000, ROUNDS = 20000, BYTES_MAX = 1000 };

struct chain {
    unsigned char *block[BLOCKS];
    size_t bytes[BLOCKS];
    unsigned seed;
    int links;
    sem_t done;
};

static unsigned next(unsigned *seed)
{
    return (*seed = *seed * 1103515245 + 12345) >> 8;
}

static void *link_of(void *argument)
{
    struct chain *chain = argument;
    for (int i = 0; i < ROUNDS; i++) {
        unsigned at = next(&chain->seed) % BLOCKS;
        size_t bytes = chain->bytes[at];
        if (chain->block[at]) {
            EXPECT(chain->block[at][0] == (unsigned char)at && chain->block[at][bytes - 1] == (unsigned char)at);
            free(chain->block[at]);
        }
        bytes = chain->bytes[at] = 1 + next(&chain->seed) % BYTES_MAX;
        chain->block[at] = malloc(bytes);
        EXPECT(chain->block[at] != NULL);
        memset(chain->block[at], (int)at, bytes);
    }
    if (--chain->links == 0) {
        sem_post(&chain->done);
        return NULL;
    }
    pthread_t successor;
    EXPECT(pthread_create(&successor, NULL, link_of, chain) == 0);
    EXPECT(pthread_detach(successor) == 0);
    return NULL;
}

int main(void)
{
    static struct chain chain[CHAINS];
    watchdog(50);
    for (unsigned i = 0; i < CHAINS; i++) {
        pthread_t first;
        chain[i].seed = i + 1;
        chain[i].links = LINKS;
        EXPECT(sem_init(&chain[i].done, 0, 0) == 0);
        EXPECT(pthread_create(&first, NULL, link_of, &chain[i]) == 0);
        EXPECT(pthread_detach(first) == 0);
    }
    for (int i = 0; i < CHAINS; i++) {
        EXPECT(sem_wait(&chain[i].done) == 0);
        for (int at = 0; at < BLOCKS; at++) free(chain[i].block[at]);
    }
}
