/* One thread allocates tiny neighbours and gives one to each thread, which frees it and goes on
 * with its own. Stresses: whether memory freed by a thread is handed to it again although a
 * neighbour is in use elsewhere: then two threads write to one cache line for good. Pattern:
 * cache-scratch (Berger, Hoard 2000), the probe for passively induced false sharing. */
#include "workload.h"

enum { ROUNDS = 40000, WRITES = 24000, SIZES = 3, NEIGHBOURS = THREADS_MAX + 16 };

static struct worker workers[THREADS_MAX];
static void *neighbour[NEIGHBOURS], **handed_out;
static uint64_t rounds_each;
static size_t block_bytes_each;

static uint64_t write_often(void *block)
{
    volatile uint64_t *word = block;
    *word = 0;
    for (unsigned left = WRITES; left > 0; left--) *word += left;
    return mixed(*word);
}

/* The thread allocates once before it frees: some allocators give a thread its cache only then. */
static void scratch(struct worker *self)
{
    free(checked(malloc(block_bytes_each), block_bytes_each));
    uint64_t sum = write_often(handed_out[self->index]);
    free(handed_out[self->index]);
    handed_out[self->index] = NULL;
    for (uint64_t left = rounds_each; left > 0; left--) {
        void *block = checked(malloc(block_bytes_each), block_bytes_each);
        sum += write_often(block);
        free(block);
    }
    self->checksum = sum;
}

static bool share_a_line(const void *one, const void *other)
{
    return (uintptr_t)one / CACHE_LINE_BYTES == (uintptr_t)other / CACHE_LINE_BYTES;
}

/* Whether the first two share a line would be luck: the first two that do are looked for. */
static void allocate_neighbours(void)
{
    for (size_t at = 0; at < NEIGHBOURS; at++) neighbour[at] = checked(malloc(block_bytes_each), block_bytes_each);
    handed_out = neighbour;
    while (handed_out + threads < neighbour + NEIGHBOURS && !share_a_line(handed_out[0], handed_out[1])) handed_out++;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {THREADS_SETTING, {0}};
    uint64_t sum = 0;
    workload_begin(count, argument, "passively induced false sharing", settings);
    rounds_each = scaled(ROUNDS) / threads / SIZES + 1;
    workers_prepare(workers, scratch);
    for (block_bytes_each = 8; block_bytes_each <= 8u << (SIZES - 1); block_bytes_each *= 2) {
        allocate_neighbours();
        sum += workers_run(workers);
        for (size_t at = 0; at < NEIGHBOURS; at++) free(neighbour[at]);
    }
    return workload_end(sum);
}
