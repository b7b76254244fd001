/* Random traces of every call of the malloc family, by three threads that take turns, against a
 * model of what lives: contents, alignment, usable sizes, overlap, zeroed memory, errno. A failure
 * names the seed; `TEST SEED 1` runs that trace alone, and `TEST SEED 1 STEPS` no more than its
 * first steps.
 *
 *     TEST [seed [traces [steps]]] */
#include "expect.h"

enum { SEED = 1, TRACES = 80, STEPS = 1500, BLOCKS = 400, ACTORS = 3, KINDS = 11, CHECKED_BYTES_MAX = 1 << 20 };

struct block {
    unsigned char *start;
    size_t bytes, usable;
    unsigned seed;
};

struct actor {
    pthread_t thread;
    sem_t turn, done;
    bool ends;
};

static struct block block[BLOCKS];
static size_t blocks;
static uint64_t state, trace_seed;
static unsigned step_number, fills;
static struct actor actor[ACTORS];

#define HOLDS(condition) ((condition) ? (void)0 : broken(__LINE__, #condition))

static void broken(int line, const char *condition)
{
    say("%s:%d: seed %llu, step %u: expected %s\n", __FILE__, line, (unsigned long long)trace_seed, step_number, condition);
    _exit(1);
}

static size_t below(size_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11) % bound;
}

static size_t some_bytes(void)
{
    size_t draw = below(100);
    if (draw < 40) return below(300);
    if (draw < 70) return below(5000);
    if (draw < 90) return below(40000);
    if (draw < 99) return below(600000);
    return below(20) ? below(4 * MIB) : 31 * MIB + below(4 * MIB);
}

static size_t checked(size_t bytes) { return bytes < CHECKED_BYTES_MAX ? bytes : CHECKED_BYTES_MAX; }

static void check(const struct block *at)
{
    HOLDS(is_filled(at->start, checked(at->bytes), at->seed));
    HOLDS(malloc_usable_size(at->start) == at->usable);
}

static void check_apart(const struct block *fresh)
{
    for (size_t i = 0; i < blocks; i++)
        HOLDS(fresh->start + fresh->usable <= block[i].start || block[i].start + block[i].usable <= fresh->start);
}

static void enter(void *start, size_t bytes, size_t alignment)
{
    struct block fresh = {start, bytes, malloc_usable_size(start), ++fills};
    HOLDS(start != NULL);
    HOLDS(is_aligned(start, alignment < 16 ? 16 : alignment));
    HOLDS(fresh.usable >= bytes);
    check_apart(&fresh);
    fill(fresh.start, checked(fresh.usable), fresh.seed);
    fresh.bytes = fresh.usable;
    block[blocks++] = fresh;
}

static struct block take(void)
{
    size_t at = below(blocks);
    struct block taken = block[at];
    check(&taken);
    block[at] = block[--blocks];
    return taken;
}

static void release(void)
{
    struct block taken = take();
    errno = ERRNO_UNTOUCHED;
    switch (on_tinyalloc() ? below(4) : 0) {
    case 0: free(taken.start); break;
    case 1: ((void (*)(void *, size_t))need("free_sized"))(taken.start, taken.bytes); break;
    case 2: ((void (*)(void *))need("cfree"))(taken.start); break;
    default: HOLDS(realloc(taken.start, 0) == NULL);
    }
    HOLDS(errno == ERRNO_UNTOUCHED);
}

static void resize(void)
{
    struct block taken = take();
    size_t bytes = 1 + some_bytes();
    unsigned char *moved = below(2) ? realloc(taken.start, bytes) : reallocarray(taken.start, 1, bytes);
    HOLDS(moved != NULL);
    HOLDS(is_filled(moved, checked(bytes < taken.bytes ? bytes : taken.bytes), taken.seed));
    enter(moved, bytes, 16);
}

static void refused(void)
{
    size_t too_large = (size_t)PTRDIFF_MAX + 1 + below((size_t)PTRDIFF_MAX);
    EXPECT_REFUSED(malloc(hidden_size(too_large)), ENOMEM);
    EXPECT_REFUSED(calloc(hidden_size(too_large), 2), ENOMEM);
    if (blocks) {
        struct block *at = &block[below(blocks)];
        EXPECT_REFUSED(realloc(hidden(at->start), hidden_size(too_large)), ENOMEM);
        check(at);
    }
}

static void allocate(size_t kind)
{
    size_t bytes = some_bytes(), alignment = (size_t)16 << below(below(10) ? 6 : 17);
    void *start = NULL;
    switch (kind) {
    case 0:
    case 1:
    case 2: return enter(malloc(bytes), bytes, 16);
    case 3:
        start = calloc(1 + bytes / 7, 7);
        HOLDS(start && is_zero(start, (1 + bytes / 7) * 7));
        return enter(start, (1 + bytes / 7) * 7, 16);
    case 4: HOLDS(posix_memalign(&start, alignment, bytes) == 0); return enter(start, bytes, alignment);
    case 5: return enter(aligned_alloc(alignment, bytes), bytes, alignment);
    case 6: return enter(memalign(alignment, bytes), bytes, alignment);
    default: return enter(below(2) ? valloc(bytes) : pvalloc(bytes), bytes, 4096);
    }
}

static void take_step(void)
{
    size_t kind = below(KINDS);
    if (kind < 8 && blocks < BLOCKS) return allocate(kind);
    if (below(200) == 0) return (void)malloc_trim(0);
    if (below(100) == 0) return refused();
    if (blocks && kind == 8) return resize();
    /* More frees than requests now and then, so that spans empty. */
    for (size_t count = below(40) ? 2 : below(BLOCKS); count && blocks; count--) release();
}

static void *act(void *argument)
{
    struct actor *self = argument;
    for (;;) {
        HOLDS(sem_wait(&self->turn) == 0);
        if (self->ends) return NULL;
        take_step();
        HOLDS(sem_post(&self->done) == 0);
    }
}

static void begin(struct actor *self)
{
    self->ends = false;
    HOLDS(sem_init(&self->turn, 0, 0) == 0 && sem_init(&self->done, 0, 0) == 0);
    self->thread = start(act, self);
}

static void end(struct actor *self)
{
    self->ends = true;
    HOLDS(sem_post(&self->turn) == 0);
    join(self->thread);
}

static void run_trace(unsigned steps)
{
    state = trace_seed * 0x9e3779b97f4a7c15u | 1;
    for (int i = 0; i < ACTORS; i++) begin(&actor[i]);
    for (step_number = 0; step_number < steps; step_number++) {
        struct actor *next = &actor[below(ACTORS)];
        HOLDS(sem_post(&next->turn) == 0 && sem_wait(&next->done) == 0);
        if (below(150) == 0) {
            end(next);
            begin(next);
        }
    }
    for (int i = 0; i < ACTORS; i++) end(&actor[i]);
    while (blocks) release();
}

int main(int count, char **argument)
{
    uint64_t first = count > 1 ? strtoull(argument[1], NULL, 10) : SEED;
    unsigned traces = count > 2 ? (unsigned)atoi(argument[2]) : TRACES, steps = count > 3 ? (unsigned)atoi(argument[3]) : STEPS;
    for (trace_seed = first; trace_seed < first + traces; trace_seed++) run_trace(steps);
}
