/* A program with four threads that asks for memory of every kind, checks what is in it, and
 * survives refusals.
 *
 *     worker [rounds [seed]]
 *
 * A request that is refused is made once more; refused again, the program checks all that lives,
 * says that it is out of memory, and exits with 1. Otherwise it prints a digest of all contents,
 * the same at every run. */
#include "expect.h"

enum { THREADS = 4, BLOCKS = 120, EXIT_NO_MEMORY = 1 };

struct worker {
    unsigned char *block[BLOCKS];
    size_t bytes[BLOCKS];
    uint64_t random, digest;
    unsigned rounds, number;
};

static struct worker workers[THREADS];
/* Blocks that one thread leaves for another to free in the next round. */
static void *handed[2][THREADS][BLOCKS];

static unsigned below(struct worker *worker, unsigned bound)
{
    worker->random ^= worker->random << 13;
    worker->random ^= worker->random >> 7;
    worker->random ^= worker->random << 17;
    return (unsigned)(worker->random >> 33) % bound;
}

static size_t some_bytes(struct worker *worker)
{
    static const unsigned SPREAD[] = {64, 1000, 5000, 40000, 300000, 3 << 20, 40 << 20};
    unsigned draw = below(worker, 1000);
    size_t kind = draw < 300 ? 0 : draw < 500 ? 1 : draw < 650 ? 2 : draw < 800 ? 3 : draw < 930 ? 4 : draw < 994 ? 5 : 6;
    return 1 + below(worker, SPREAD[kind]);
}

static void check(const struct worker *worker, unsigned i)
{
    if (!worker->block[i] || is_filled(worker->block[i], worker->bytes[i], i + worker->number)) return;
    say("wrong content in block %u of thread %u\n", i, worker->number);
    _exit(3);
}

static void no_memory(const struct worker *worker)
{
    if (errno != ENOMEM && errno != EAGAIN) {
        say("refused without ENOMEM but errno %d\n", errno);
        _exit(3);
    }
    for (unsigned i = 0; i < BLOCKS; i++) check(worker, i);
    say("worker: out of memory\n");
    _exit(EXIT_NO_MEMORY);
}

static void *request(unsigned kind, void *old, size_t bytes)
{
    errno = 0;
    switch (kind) {
    case 0: return calloc(1, bytes);
    case 1: return memalign((size_t)64 << bytes % 9, bytes);
    case 2: return realloc(old, bytes);
    default: return malloc(bytes);
    }
}

static void *request_patiently(const struct worker *worker, unsigned kind, void *old, size_t bytes)
{
    void *block = request(kind, old, bytes);
    if (!block) block = request(kind, old, bytes);
    if (!block) no_memory(worker);
    return block;
}

static void renew(struct worker *worker, unsigned i)
{
    unsigned kind = below(worker, 5);
    size_t bytes = some_bytes(worker), old_bytes = worker->bytes[i];
    check(worker, i);
    if (worker->block[i] && kind != 2) {
        free(worker->block[i]);
        worker->block[i] = NULL;
    }
    unsigned char *old = worker->block[i], *block = request_patiently(worker, kind, old, bytes);
    if ((kind == 0 && !is_zero(block, bytes < 65536 ? bytes : 65536)) ||
        (old && !is_filled(block, bytes < old_bytes ? bytes : old_bytes, i + worker->number))) {
        say("wrong content in a new block of %zu bytes\n", bytes);
        _exit(3);
    }
    fill(block, bytes, i + worker->number);
    worker->block[i] = block;
    worker->bytes[i] = bytes;
    worker->digest = worker->digest * 31 + bytes + block[bytes / 2 < 4096 ? bytes / 2 : 4095];
}

static void leave(struct worker *worker, unsigned i, void **left)
{
    check(worker, i);
    *left = NULL;
    /* Small blocks go to another thread; large ones would make for too much memory. */
    if (worker->bytes[i] < 40000)
        *left = worker->block[i];
    else
        free(worker->block[i]);
    worker->block[i] = NULL;
    worker->bytes[i] = 0;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    void **left = handed[worker->rounds % 2][worker->number], **found = handed[(worker->rounds + 1) % 2][(worker->number + 1) % THREADS];
    for (unsigned i = 0; i < BLOCKS; i++) free(found[i]);
    for (unsigned step = 0; step < BLOCKS * 3; step++) renew(worker, below(worker, BLOCKS));
    for (unsigned i = 0; i < BLOCKS; i++) leave(worker, i, &left[i]);
    worker->rounds++;
    malloc_trim(0);
    return NULL;
}

/* One thread after the other in the even rounds, so that their calls repeat from run to run; all at
 * once in the odd ones. */
static void round_of_threads(bool at_once)
{
    pthread_t thread[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        int error = pthread_create(&thread[i], NULL, work, &workers[i]);
        if (error) error = pthread_create(&thread[i], NULL, work, &workers[i]);
        if (error) {
            errno = error;
            no_memory(&workers[i]);
        }
        if (!at_once) join(thread[i]);
    }
    for (unsigned i = 0; i < THREADS && at_once; i++) join(thread[i]);
}

int main(int count, char **argument)
{
    unsigned rounds = count > 1 ? (unsigned)atoi(argument[1]) : 2;
    uint64_t digest = 0, seed = count > 2 ? (uint64_t)atoi(argument[2]) : 1;
    char line[64];
    for (unsigned i = 0; i < THREADS; i++) workers[i] = (struct worker){.number = i, .random = seed * 7919 + i * 1000003};
    for (unsigned round = 0; round < rounds; round++) round_of_threads(round % 2 == 1);
    for (unsigned i = 0; i < THREADS; i++) digest = digest * 1000003 + workers[i].digest;
    int bytes = snprintf(line, sizeof line, "digest %016llx\n", (unsigned long long)digest);
    return write(STDOUT_FILENO, line, (size_t)bytes) == bytes ? 0 : 4;
}
