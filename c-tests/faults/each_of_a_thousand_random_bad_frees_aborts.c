/* Children make random mistakes; each must die of SIGABRT and name its pointer. An argument says
 * how many. (Millions, in one process, are the business of the engine's bad_frees test.) */
#include "expect.h"

enum { MISTAKES = 1000, PLACES = 10, CALLS = 4, HELD = 8, SHIFTS = 20 };

static uint64_t state = 88172645463325252u;
static unsigned place, call;
static size_t bytes, offset;
static char in_data[64];
static void *wrong;
static sem_t is_wrong;
/* Before and behind the block, which is anywhere in its span then; they keep the span alive. */
static void *held[HELD];

static size_t below(size_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11) % bound;
}

static void *free_there(void *block)
{
    free(block);
    return NULL;
}

static void *allocated(size_t bytes)
{
    size_t before = offset % HELD;
    for (size_t i = 0; i < before; i++) held[i] = malloc(bytes);
    void *block = malloc(bytes);
    for (size_t i = before; i < HELD; i++) held[i] = malloc(bytes);
    EXPECT(block != NULL);
    return block;
}

static char *dead(bool elsewhere)
{
    char *block = allocated(bytes);
    if (elsewhere)
        run_in_thread(free_there, block);
    else
        free(block);
    return block;
}

static char *pointer(void)
{
    char in_stack[64];
    size_t usable;
    char *block;
    switch (place) {
    case 0: return dead(false);
    case 1: return dead(true);
    case 2:
    case 3:
        block = allocated(bytes);
        usable = malloc_usable_size(block);
        return block + 1 + offset % (usable - 1);
    case 4: return (char *)hidden(in_stack) + offset % 64;
    case 5: return in_data + offset % 64;
    case 6: return (char *)(uintptr_t)(0x8000000000000000u | (uint64_t)offset << 17);
    case 7: return (char *)(uintptr_t)(1 + offset % 65536);
    case 8: return (char *)(uintptr_t)expect_abort_at + offset % 64;
    default: return mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
}

static void hand_over(void)
{
    switch (call) {
    case 1: hidden(realloc(wrong, 1 + offset % 1000)); break;
    case 2: say("%zu\n", malloc_usable_size(wrong)); break;
    default: free(wrong);
    }
}

static void *hand_over_elsewhere(void *ignored)
{
    EXPECT(sem_wait(&is_wrong) == 0);
    hand_over();
    return ignored;
}

/* The other thread starts before the block dies: what starting one allocates may well take the
 * block's place. */
static void mistake(void)
{
    bool elsewhere = call == CALLS - 1;
    EXPECT(sem_init(&is_wrong, 0, 0) == 0);
    pthread_t other = elsewhere ? start(hand_over_elsewhere, NULL) : pthread_self();
    wrong = culprit(pointer());
    if (!elsewhere) return hand_over();
    EXPECT(sem_post(&is_wrong) == 0);
    join(other);
}

int main(int count, char **argument)
{
    require_tinyalloc();
    int mistakes = count > 1 ? atoi(argument[1]) : MISTAKES;
    if (count <= 1) watchdog(55);
    for (int i = 0; i < mistakes; i++) {
        place = (unsigned)below(PLACES);
        call = (unsigned)below(CALLS);
        offset = below((size_t)1 << 40);
        bytes = 1 + below((size_t)16 << below(SHIFTS));
        expect_abort(mistake, "free of %p");
    }
}
