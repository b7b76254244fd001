/* The parent forks while its threads trim: the child finds a whole heap, reads, frees, allocates
 * and trims. */
#include "survivors.h"

enum { CHURNERS = 2, BLOCKS = 3000, FORKS = 15 };

static volatile bool over;
static struct block left[BLOCKS], churned[CHURNERS][BLOCKS];

static void *leaves_holes(void *nothing)
{
    make_blocks(left, BLOCKS, 16, 2000);
    thin_out(left, BLOCKS, 10);
    return nothing;
}

static void *churns(void *table)
{
    while (!over) {
        make_blocks(table, BLOCKS, 16, 2000);
        thin_out(table, BLOCKS, 10);
        free_blocks(table, BLOCKS);
    }
    return NULL;
}

static void *trims(void *nothing)
{
    while (!over) malloc_trim(0);
    return nothing;
}

static void child_body(void)
{
    static struct block own[BLOCKS];
    alarm(20 * patience());
    check_blocks(left, BLOCKS);
    malloc_trim(0);
    make_blocks(own, BLOCKS, 16, 2000);
    check_blocks(left, BLOCKS);
    free_blocks(left, BLOCKS);
    malloc_trim(0);
    free_blocks(own, BLOCKS);
    malloc_trim(0);
    _exit(0);
}

int main(void)
{
    watchdog(50);
    run_in_thread(leaves_holes, NULL);
    pthread_t thread[CHURNERS], trimmer = start(trims, NULL);
    for (int i = 0; i < CHURNERS; i++) thread[i] = start(churns, churned[i]);
    for (int i = 0; i < FORKS; i++) {
        pid_t child = fork();
        if (child == 0) child_body();
        expect_child_exits_0(child);
    }
    over = true;
    for (int i = 0; i < CHURNERS; i++) join(thread[i]);
    join(trimmer);
    check_blocks(left, BLOCKS);
    return 0;
}
