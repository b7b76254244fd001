/* The rows of simple-loop in several threads at once, each with blocks of its own.
 * Stresses: whether threads that share nothing disturb each other.
 * Pattern: glibc's bench-malloc-thread. */
#include "simple.h"

enum { BLOCKS_PER_CASE = 1600000 };

static struct worker workers[THREADS_MAX];

static void rows(struct worker *self) { self->checksum = simple_all(scaled(BLOCKS_PER_CASE) / threads); }

int main(int count, char **argument)
{
    const struct setting settings[] = {THREADS_SETTING, {0}};
    workload_begin(count, argument, "many blocks of one size in a row, in each thread", settings);
    workers_prepare(workers, rows);
    return workload_end(workers_run(workers));
}
