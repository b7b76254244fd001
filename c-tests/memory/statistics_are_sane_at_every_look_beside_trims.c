/* Threads come and go, one trims without a pause, and one looks: no figure is beyond what the
 * others allow, and none wraps around. */
#include "stats/stats.h"
#include "survivors.h"

enum { CHURNERS = 2, SLOTS = 3000, SECONDS = 2, COMMITTED_MAX = 512 * 1024 * 1024 };

static volatile bool over;
static struct block slot[CHURNERS][SLOTS];

static void *leaves_holes(void *table)
{
    struct block *mine = table;
    make_blocks(mine, SLOTS, 16, 2500);
    thin_out(mine, SLOTS, 15);
    return NULL;
}

/* The next thread frees what the last one left. */
static void *runs_threads(void *table)
{
    while (!over) {
        run_in_thread(leaves_holes, table);
        free_blocks(table, SLOTS);
    }
    return NULL;
}

static void *trims(void *nothing)
{
    while (!over) malloc_trim(0);
    return nothing;
}

static void expect_order(void)
{
    struct all_stats now = all_stats();
    EXPECT(now.first.allocated <= now.active);
    EXPECT(now.active <= now.resident);
    EXPECT(now.active <= now.mapped);
    EXPECT(now.resident <= now.first.committed);
    EXPECT(now.first.committed <= now.first.reserved);
    EXPECT(now.first.committed <= COMMITTED_MAX);
    EXPECT(now.first.live_slots + now.first.free_slots <= now.mapped / 16);
    EXPECT(now.resident_free <= now.first.committed);
}

static void expect_glibcs_view(void)
{
    struct mallinfo2 info = mallinfo2();
    EXPECT(info.uordblks <= info.arena);
    EXPECT(info.fordblks <= info.arena);
    EXPECT(info.uordblks + info.fordblks == info.arena);
    EXPECT(info.keepcost <= info.arena);
    EXPECT(info.arena + info.hblkhd <= COMMITTED_MAX);
}

/* What is quiet is exact: a trim changes what is committed, not what is allocated. */
static void expect_a_quiet_trim_to_count_right(void)
{
    malloc_trim(0);
    run_in_thread(leaves_holes, slot[0]);
    make_blocks(slot[1], SLOTS, 16, 2500);
    thin_out(slot[1], SLOTS, 15);
    struct all_stats before = all_stats();
    malloc_trim(0);
    struct all_stats after = all_stats();
    EXPECT(after.first.allocated <= before.first.allocated);
    EXPECT(after.first.allocated >= bytes_live(slot[0], SLOTS) + bytes_live(slot[1], SLOTS));
    EXPECT(after.first.committed <= before.first.committed);
    EXPECT(after.first.purges > before.first.purges);
    EXPECT(after.first.purged_bytes > before.first.purged_bytes);
    expect_order();
    free_blocks(slot[0], SLOTS);
    free_blocks(slot[1], SLOTS);
}

int main(void)
{
    require_tinyalloc();
    watchdog(50);
    expect_a_quiet_trim_to_count_right();
    pthread_t thread[CHURNERS], trimmer = start(trims, NULL);
    for (int i = 0; i < CHURNERS; i++) thread[i] = start(runs_threads, slot[i]);
    for (double end = seconds_now() + SECONDS * patience(); seconds_now() < end;) {
        expect_order();
        expect_glibcs_view();
    }
    over = true;
    for (int i = 0; i < CHURNERS; i++) join(thread[i]);
    join(trimmer);
    expect_order();
    return 0;
}
