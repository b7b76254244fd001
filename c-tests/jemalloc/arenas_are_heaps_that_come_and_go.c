#include "control.h"

static unsigned arena_of(void *block)
{
    unsigned arena = 0;
    size_t bytes = sizeof arena;
    EXPECT(mallctl("arenas.lookup", &arena, &bytes, &block, sizeof block) == 0);
    return arena;
}

static int enter(unsigned arena, unsigned *before)
{
    size_t bytes = sizeof *before;
    return mallctl("thread.arena", before, &bytes, &arena, sizeof arena);
}

static void *use_arenas(void *nothing)
{
    for (int round = 0; round < 50; round++) {
        unsigned arena = new_arena();
        void *block = mallocx(100, MALLOCX_ARENA(arena));
        EXPECT(arena_of(block) == arena);
        EXPECT(act_on_arena(arena, "destroy") == 0);
    }
    return nothing;
}

int main(void)
{
    EXPECT(read_unsigned("arenas.narenas") == 1);
    EXPECT(read_unsigned("thread.arena") == 0);
    unsigned first = new_arena(), second = new_arena(), before = 99;
    EXPECT(first == 1 && second == 2);
    EXPECT(read_unsigned("arenas.narenas") == 3);
    EXPECT(enter(first, &before) == 0 && before == 0);
    EXPECT(arena_of(malloc(10)) == first);
    EXPECT(arena_of(mallocx(10, MALLOCX_ARENA(0))) == 0);
    EXPECT(arena_of(malloc(10)) == first);
    EXPECT(enter(second, &before) == 0 && before == first);
    EXPECT(arena_of(mallocx(10, MALLOCX_ZERO)) == second);
    EXPECT(act_on_arena(second, "destroy") == EFAULT);
    EXPECT(act_on_arena(first, "reset") == 0);
    EXPECT(act_on_arena(first, "destroy") == 0);
    EXPECT(!read_bool("arena.1.initialized"));
    EXPECT(read_bool("arena.2.initialized") && read_bool("arena.0.initialized") && read_bool("arena.4096.initialized"));
    EXPECT(enter(first, &before) == EFAULT);
    EXPECT(enter(0, &before) == 0 && before == second);
    EXPECT(read_unsigned("thread.arena") == 0);
    EXPECT(arena_of(malloc(10)) == 0);
    EXPECT(act_on_arena(second, "purge") == 0 && act_on_arena(second, "decay") == 0);
    new_epoch();
    void *large = mallocx(100000, MALLOCX_ARENA(second));
    EXPECT(read_size("stats.arenas.2.large.allocated") >= 100000);
    EXPECT(read_size("stats.arenas.2.large.allocated") < 200000);
    EXPECT(read_size("stats.arenas.2.small.allocated") > 0);
    EXPECT(act_on_arena(second, "reset") == 0);
    EXPECT(read_size("stats.arenas.2.large.allocated") == 0 && large != NULL);
    EXPECT(act_on_arena(0, "reset") == EFAULT && act_on_arena(0, "destroy") == EFAULT);
    EXPECT(act_on_arena(9, "purge") == ENOENT);
    EXPECT(act("arena.4096.purge") == 0);
    EXPECT(new_arena() == first);
    /* Hooks are refused, no hooks are not. */
    unsigned arena = 0;
    size_t bytes = sizeof arena;
    void *hooks = &arena;
    EXPECT(mallctl("arenas.create", &arena, &bytes, &hooks, sizeof hooks) == EFAULT);
    EXPECT(mallctl("arenas.create", NULL, NULL, NULL, 0) == EINVAL);
    pthread_t threads[2];
    for (size_t at = 0; at < COUNT_OF(threads); at++)
        EXPECT(pthread_create(&threads[at], NULL, use_arenas, NULL) == 0);
    for (size_t at = 0; at < COUNT_OF(threads); at++)
        EXPECT(pthread_join(threads[at], NULL) == 0);
    return 0;
}
