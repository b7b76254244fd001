// One thread looks at the statistics while others take and free slots so that their spans change
// between partial, current, full and spare, are cut anew for other sizes, and while threads and
// large blocks come and go. Whatever moment it meets, no figure is beyond what the others allow.
#include "stats.h"

#include <time.h>

enum { CHURNERS = 2, SECONDS = 3, SLOTS = 3000 };

static volatile bool over;

static unsigned next(unsigned *state) { return *state = *state * 1664525 + 1013904223; }

// One size: spans of a heap that is partly full.
static void *churns_one_size(void *seed)
{
    void **slot = calloc(SLOTS, sizeof *slot);
    unsigned state = *(unsigned *)seed;
    while (!over) {
        unsigned at = (next(&state) >> 8) % SLOTS;
        free(slot[at]);
        slot[at] = state >> 28 ? malloc(1000) : NULL;
    }
    for (unsigned at = 0; at < SLOTS; at++) free(slot[at]);
    free(slot);
    return NULL;
}

// All sizes, one after the other, in threads that end: spans are emptied, kept, cut anew and given
// to other threads.
static void *bursts(void *nothing)
{
    static _Thread_local void *block[400];
    for (size_t bytes = 16; bytes < 60000; bytes = bytes * 3 / 2) {
        for (size_t i = 0; i < COUNT_OF(block); i++) block[i] = malloc(bytes);
        for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
    }
    return nothing;
}

static void *runs_threads(void *nothing)
{
    while (!over) run_in_thread(bursts, NULL);
    return nothing;
}

static void expect_order(void)
{
    struct all_stats now = all_stats();
    EXPECT(now.first.allocated <= now.active);
    EXPECT(now.active <= now.mapped);
    EXPECT(now.active <= now.resident);
    EXPECT(now.resident <= now.first.committed);
    EXPECT(now.first.committed <= now.first.reserved);
    EXPECT(now.first.live_slots + now.first.free_slots <= now.mapped / 16);
}

static void expect_glibcs_view(void)
{
    struct mallinfo2 info = mallinfo2();
    EXPECT(info.uordblks + info.hblkhd + info.fordblks == info.arena + info.hblkhd);
    EXPECT(info.uordblks <= info.arena);
    EXPECT(info.fordblks <= info.arena);
    EXPECT(info.keepcost <= info.arena);
    EXPECT(info.arena < 1024 * MIB);
}

int main(void)
{
    require_tinyalloc();
    watchdog(50);
    unsigned seed[CHURNERS] = {1, 2};
    pthread_t thread[CHURNERS + 1];
    for (int i = 0; i < CHURNERS; i++) thread[i] = start(churns_one_size, &seed[i]);
    thread[CHURNERS] = start(runs_threads, NULL);
    for (time_t end = time(NULL) + SECONDS * (time_t)patience(); time(NULL) < end;) {
        expect_order();
        expect_glibcs_view();
    }
    over = true;
    for (size_t i = 0; i < COUNT_OF(thread); i++) join(thread[i]);
    return 0;
}
