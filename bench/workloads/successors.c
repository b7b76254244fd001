/* Each thread replaces random blocks, starts its successor, hands the blocks over, and ends.
 * Stresses: blocks that outlive the thread that allocated them, adoption of what an ended thread
 * left, thread start. Pattern: the server simulation of Larson & Krishnan 1998 (larson). */
#include "workload.h"

enum { BLOCKS = 10000, GENERATIONS = 600, REPLACEMENTS = 30000000, LEAST = 8, MOST = 1000 };

struct lineage {
    struct worker worker;
    uint64_t generations_left;
    pthread_t predecessor;
    bool has_predecessor;
    pthread_mutex_t lock;
    pthread_cond_t last_has_ended;
    bool over;
    void *block[BLOCKS];
};

static struct lineage lineages[THREADS_MAX];
static uint32_t blocks_each;
static uint64_t replacements_each;

static void replace(struct lineage *lineage)
{
    struct worker *self = &lineage->worker;
    uint64_t sum = 0;
    for (uint64_t left = replacements_each; left > 0; left--) {
        size_t at = random_below(&self->random, blocks_each);
        sum += block_free(lineage->block[at]);
        lineage->block[at] = block_new(random_between(&self->random, LEAST, MOST), self->serial++);
    }
    self->checksum += sum;
}

static void end_lineage(struct lineage *lineage)
{
    CHECK(pthread_mutex_lock(&lineage->lock) == 0);
    lineage->over = true;
    CHECK(pthread_cond_signal(&lineage->last_has_ended) == 0);
    CHECK(pthread_mutex_unlock(&lineage->lock) == 0);
}

static void *generation(void *argument)
{
    struct lineage *lineage = argument;
    replace(lineage);
    if (lineage->has_predecessor) thread_join(lineage->predecessor);
    lineage->predecessor = pthread_self();
    lineage->has_predecessor = true;
    if (--lineage->generations_left == 0) {
        end_lineage(lineage);
        return NULL;
    }
    pthread_t successor;
    thread_start(&successor, generation, lineage);
    return NULL;
}

static void start_lineage(struct lineage *lineage, unsigned index, uint64_t generations)
{
    pthread_t first;
    lineage->worker = worker_of(index, NULL);
    lineage->generations_left = generations;
    CHECK(pthread_mutex_init(&lineage->lock, NULL) == 0);
    CHECK(pthread_cond_init(&lineage->last_has_ended, NULL) == 0);
    struct worker *self = &lineage->worker;
    for (size_t at = 0; at < blocks_each; at++)
        lineage->block[at] = block_new(random_between(&self->random, LEAST, MOST), self->serial++);
    thread_start(&first, generation, lineage);
}

static uint64_t await_lineage(struct lineage *lineage)
{
    CHECK(pthread_mutex_lock(&lineage->lock) == 0);
    while (!lineage->over) CHECK(pthread_cond_wait(&lineage->last_has_ended, &lineage->lock) == 0);
    CHECK(pthread_mutex_unlock(&lineage->lock) == 0);
    thread_join(lineage->predecessor);
    uint64_t sum = lineage->worker.checksum;
    for (size_t at = 0; at < blocks_each; at++) sum += block_free(lineage->block[at]);
    return sum;
}

int main(int count, char **argument)
{
    const struct setting settings[] = {THREADS_SETTING, {0}};
    uint64_t sum = 0;
    workload_begin(count, argument, "blocks inherited by successor threads", settings);
    uint64_t generations = scaled(GENERATIONS) / threads + 1;
    blocks_each = BLOCKS / (uint32_t)threads;
    replacements_each = REPLACEMENTS / GENERATIONS;
    for (unsigned at = 0; at < threads; at++) start_lineage(&lineages[at], at, generations);
    for (unsigned at = 0; at < threads; at++) sum += await_lineage(&lineages[at]);
    return workload_end(sum);
}
