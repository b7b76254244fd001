/* The cost of one malloc/free pair, and the least it could be: an inlined thread-local LIFO of one
 * size. No call, no lookup, no check: what an allocator pays beyond this is for serving more than
 * one size and one thread. The loop is the simplest part of lifo-churn. Prints `pair-ns X` and
 * `limit-ns Y`, the least of several rounds. */
#include "workload.h"

enum { ROUNDS = 15, PAIRS = 4000000, DEPTH_MAX = 64, BLOCK_BYTES = 64 };

struct slot {
    struct slot *next;
    char rest[BLOCK_BYTES - sizeof(struct slot *)];
};

static _Thread_local struct slot *list;
static uint64_t depth = 1;

/* Without it the compiler would see that a slot pushed is the slot popped next, and keep nothing in
 * memory. */
#define OPAQUE(block) __asm__ volatile("" : "+r"(block) : : "memory")

static inline void *slot_pop(void)
{
    struct slot *slot = list;
    if (__builtin_expect(!slot, 0)) return malloc(sizeof *slot);
    list = slot->next;
    return slot;
}

static inline void slot_push(void *block)
{
    struct slot *slot = block;
    slot->next = list;
    list = slot;
}

#define TIME_PAIRS(allocate, deallocate)                                                                               \
    uint64_t *stack[DEPTH_MAX];                                                                                        \
    double begin = seconds_now();                                                                                      \
    for (uint64_t left = pairs; left > 0; left--) {                                                                    \
        for (uint64_t at = 0; at < depth; at++) {                                                                      \
            stack[at] = allocate;                                                                                      \
            OPAQUE(stack[at]);                                                                                         \
            *stack[at] = left;                                                                                         \
        }                                                                                                              \
        for (uint64_t at = depth; at-- > 0;) {                                                                         \
            if (*stack[at] != left) DIE("a block has lost its contents\n");                                            \
            deallocate(stack[at]);                                                                                     \
        }                                                                                                              \
    }                                                                                                                  \
    return (seconds_now() - begin) * 1e9 / (double)(pairs * depth)

static __attribute__((noinline)) double malloc_ns(uint64_t pairs) { TIME_PAIRS(malloc(BLOCK_BYTES), free); }

static __attribute__((noinline)) double limit_ns(uint64_t pairs) { TIME_PAIRS(slot_pop(), slot_push); }

static double least(double (*measure)(uint64_t), uint64_t pairs)
{
    double found = measure(pairs);
    for (unsigned round = 1; round < ROUNDS; round++) {
        double ns = measure(pairs);
        if (ns < found) found = ns;
    }
    return found;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {{"--depth", &depth, DEPTH_MAX, "blocks live at once"}, {0}};
    workload_begin(count, argument, "ns per pair of the allocator and of an inlined list", settings);
    if (depth == 0) DIE("--depth wants at least 1\n");
    uint64_t pairs = scaled(PAIRS) / depth + 1;
    say(STDOUT_FILENO, "pair-ns %.3f\n", least(malloc_ns, pairs));
    say(STDOUT_FILENO, "limit-ns %.3f\n", least(limit_ns, pairs));
    while (list) free(slot_pop());
    return 0;
}
