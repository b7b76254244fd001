/* Names are read, epochs begun and statistics written while other threads allocate, in an arena
 * that they share, too; the child of a fork goes on asking. */
#include "control.h"

enum { THREADS = 4, ROUNDS = 300 };

static unsigned shared;

static void take(void *context, const char *text)
{
    *(size_t *)context += strlen(text);
}

static void ask(void)
{
    uint64_t before = new_epoch();
    EXPECT(new_epoch() > before);
    EXPECT(read_size("stats.resident") > 0 && read_size("stats.arenas.0.pactive") > 0);
    size_t written = 0;
    malloc_stats_print(take, &written, "J");
    EXPECT(written > 1000);
    EXPECT(act("arena.0.decay") == 0);
}

static void *work(void *nothing)
{
    void *kept[64] = {NULL};
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t at = round % COUNT_OF(kept);
        dallocx(kept[at] ? kept[at] : mallocx(1, 0), 0);
        kept[at] = mallocx(1 + round * 97 % 60000, round % 3 ? MALLOCX_TCACHE_NONE : MALLOCX_ZERO);
        void *large = mallocx(40000 + round * 10000, MALLOCX_ARENA(shared));
        EXPECT(large != NULL);
        dallocx(large, 0);
        EXPECT(kept[at] && je_get_defrag_hint(kept[at]) >= 0);
        if (round % 50 == 0)
            ask();
        if (round % 100 == 0)
            EXPECT(act("thread.idle") == 0);
    }
    for (size_t at = 0; at < COUNT_OF(kept); at++)
        dallocx(kept[at], 0);
    return nothing;
}

int main(void)
{
    pthread_t threads[THREADS];
    shared = new_arena();
    for (size_t at = 0; at < THREADS; at++)
        EXPECT(pthread_create(&threads[at], NULL, work, NULL) == 0);
    for (int count = 0; count < 10; count++) {
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0) {
            ask();
            _exit(mallocx(100, MALLOCX_ARENA(new_arena())) ? 0 : 1);
        }
        int status = 0;
        EXPECT(waitpid(child, &status, 0) == child && status == 0);
    }
    for (size_t at = 0; at < THREADS; at++)
        EXPECT(pthread_join(threads[at], NULL) == 0);
    return 0;
}
