/* Buffers of 5 to 25 MiB, about 20 live, replaced at random; half of them touched in each page,
 * half in an eighth. Stresses: huge requests, reuse of their pages, the return of what is not
 * reused, page faults. Pattern: malloc-large of mimalloc-bench, as described: a few large buffers
 * with random replacement. */
#include "workload.h"

enum { BUFFERS = 20, REPLACEMENTS = 400, LEAST_MIB = 5, MOST_MIB = 25, PARTLY_TOUCHED = 8 };

struct buffer {
    char *block;
    size_t bytes_touched;
};

static struct buffer buffers[BUFFERS];

static void buffer_fill(struct buffer *buffer, struct random *random, uint32_t serial)
{
    size_t bytes = random_between(random, LEAST_MIB * MIB, MOST_MIB * MIB);
    buffer->block = block_new(bytes, serial);
    buffer->bytes_touched = random_word(random) % 2 ? bytes : bytes / PARTLY_TOUCHED;
    block_touch(buffer->block, buffer->bytes_touched);
}

static uint64_t buffer_drain(struct buffer *buffer)
{
    uint64_t sum = block_touched(buffer->block, buffer->bytes_touched);
    return sum + block_free(buffer->block);
}

int main(int count, char **argument)
{
    struct random random = {9};
    uint32_t serial = 0;
    uint64_t sum = 0;
    workload_begin(count, argument, "5 to 25 MiB buffers replaced at random", NULL);
    for (size_t at = 0; at < BUFFERS; at++) buffer_fill(&buffers[at], &random, serial++);
    for (uint64_t left = scaled(REPLACEMENTS); left > 0; left--) {
        struct buffer *buffer = &buffers[random_below(&random, BUFFERS)];
        sum += buffer_drain(buffer);
        buffer_fill(buffer, &random, serial++);
    }
    for (size_t at = 0; at < BUFFERS; at++) sum += buffer_drain(&buffers[at]);
    return workload_end(sum);
}
