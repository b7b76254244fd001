/* Small LIFO churn: blocks of one size are allocated and freed at once, or stacked to a depth of
 * 64. Stresses: the hit path of malloc and free, with the last freed block wanted next. Pattern:
 * the pair loop of the malloc microbenchmarks since Knuth; glibc's bench-malloc-simple with few
 * blocks. */
#include "workload.h"

enum { SIZE_STEP = 16, SIZE_MOST = 1024, DEPTH_MAX = 64, PAIRS_PER_SIZE = 160000 };

static const unsigned depths[] = {1, 2, 4, 16, DEPTH_MAX};

static uint64_t stack_up_and_down(size_t bytes, unsigned depth, uint64_t pairs)
{
    void *stack[DEPTH_MAX];
    uint64_t sum = 0;
    for (uint64_t done = 0; done < pairs; done += depth) {
        for (unsigned at = 0; at < depth; at++) stack[at] = block_new(bytes, (uint32_t)done + at);
        for (unsigned at = depth; at-- > 0;) sum += block_free(stack[at]);
    }
    return sum;
}

static uint64_t stack_of_mixed_sizes(uint64_t pairs)
{
    void *stack[DEPTH_MAX];
    struct random random = {1};
    unsigned depth = 0;
    uint64_t sum = 0;
    for (uint64_t step = 0; step < 2 * pairs; step++) {
        bool up = depth == 0 || (depth < DEPTH_MAX && random_word(&random) % 2);
        if (up)
            stack[depth++] = block_new(SIZE_STEP * random_between(&random, 1, SIZE_MOST / SIZE_STEP), (uint32_t)step);
        else
            sum += block_free(stack[--depth]);
    }
    while (depth) sum += block_free(stack[--depth]);
    return sum;
}

int main(int count, char **argument)
{
    uint64_t sum = 0;
    workload_begin(count, argument, "small blocks freed in the reverse of the order they came", NULL);
    for (size_t bytes = SIZE_STEP; bytes <= SIZE_MOST; bytes += SIZE_STEP)
        for (unsigned at = 0; at < COUNT_OF(depths); at++)
            sum += stack_up_and_down(bytes, depths[at], scaled(PAIRS_PER_SIZE));
    sum += stack_of_mixed_sizes(scaled(PAIRS_PER_SIZE * SIZE_MOST / SIZE_STEP / 4));
    return workload_end(sum);
}
