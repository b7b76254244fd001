#include "control.h"

enum { SEED = 7 };

static void resize(size_t from, size_t to, int flags, size_t align)
{
    unsigned char *block = mallocx(from, flags);
    size_t usable = sallocx(block, 0);
    fill(block, usable, SEED);
    block = rallocx(block, to, flags | MALLOCX_ZERO);
    EXPECT(block != NULL);
    EXPECT((uintptr_t)block % align == 0);
    size_t now = sallocx(block, 0);
    EXPECT(now >= to);
    EXPECT(is_filled(block, usable < to ? usable : to, SEED));
    for (size_t at = usable; at < now; at++)
        EXPECT(block[at] == 0);
    dallocx(block, 0);
}

int main(void)
{
    static const size_t sizes[] = {1, 40, 500, 5000, 40000, 400000, 4000000};
    unsigned arena = new_arena();
    for (size_t from = 0; from < COUNT_OF(sizes); from++) {
        for (size_t to = 0; to < COUNT_OF(sizes); to++) {
            resize(sizes[from], sizes[to], 0, 16);
            resize(sizes[from], sizes[to], MALLOCX_ALIGN(4096), 4096);
            resize(sizes[from], sizes[to], MALLOCX_ARENA(arena), 16);
        }
    }
    /* To another arena. */
    unsigned char *block = mallocx(100, 0);
    fill(block, 100, SEED);
    block = rallocx(block, 110, MALLOCX_ARENA(arena));
    unsigned owner = 0;
    size_t bytes = sizeof owner;
    EXPECT(mallctl("arenas.lookup", &owner, &bytes, &block, sizeof block) == 0);
    EXPECT(owner == arena);
    EXPECT(is_filled(block, 100, SEED));
    dallocx(block, 0);
    /* In place: a slot stays one, a large block shrinks, and grows again. */
    block = mallocx(42, 0);
    EXPECT(xallocx(block, 1000, 0, 0) == sallocx(block, 0));
    EXPECT(xallocx(block, 1, SIZE_MAX - 1, 0) == sallocx(block, 0));
    dallocx(block, 0);
    block = mallocx(1 << 20, 0);
    fill(block, 1 << 20, SEED);
    EXPECT(xallocx(block, 1 << 19, 0, 0) == 1 << 19);
    EXPECT(sallocx(block, 0) == 1 << 19);
    size_t grown = xallocx(block, 1 << 19, 1 << 18, MALLOCX_ZERO);
    EXPECT(grown >= 1 << 19);
    EXPECT(grown == sallocx(block, 0));
    EXPECT(is_filled(block, 1 << 19, SEED));
    for (size_t at = 1 << 19; at < grown; at++)
        EXPECT(block[at] == 0);
    dallocx(block, 0);
    return 0;
}
