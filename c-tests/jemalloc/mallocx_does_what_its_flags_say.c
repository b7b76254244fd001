/* Alignment, zeros, arenas, caches: each alone and together, at sizes of every kind. */
#include "control.h"

static const size_t sizes[] = {1, 16, 17, 100, 1000, 4096, 5000, 32768, 32769, 100000, 3000000};

static void check(size_t size, size_t align, int flags, unsigned arena)
{
    unsigned char *block = mallocx(size, flags);
    EXPECT(block != NULL);
    EXPECT((uintptr_t)block % align == 0);
    size_t usable = sallocx(block, 0);
    EXPECT(usable >= size);
    EXPECT(usable == nallocx(size, flags));
    EXPECT(usable == malloc_usable_size(block));
    if (flags & MALLOCX_ZERO)
        EXPECT(is_zero(block, usable));
    unsigned owner = 999;
    size_t bytes = sizeof owner;
    EXPECT(mallctl("arenas.lookup", &owner, &bytes, &block, sizeof block) == 0);
    EXPECT(owner == arena);
    memset(block, 0xee, usable);
    if (size % 2)
        dallocx(block, flags & ~MALLOCX_ZERO);
    else
        sdallocx(block, size, flags & ~MALLOCX_ZERO);
}

int main(void)
{
    unsigned arena = new_arena();
    EXPECT(arena > 0);
    for (size_t index = 0; index < COUNT_OF(sizes); index++) {
        for (size_t align = 1; align <= 256 * KIB; align *= 4) {
            for (int rest = 0; rest < 8; rest++) {
                int flags = MALLOCX_ALIGN(align);
                flags |= rest & 1 ? MALLOCX_ZERO : 0;
                flags |= rest & 2 ? MALLOCX_TCACHE_NONE : 0;
                flags |= rest & 4 ? MALLOCX_ARENA(arena) : 0;
                check(sizes[index], align, flags, rest & 4 ? arena : 0);
                check(sizes[index], align, flags, rest & 4 ? arena : 0);
            }
        }
    }
    EXPECT(mallocx(SIZE_MAX, 0) == NULL);
    EXPECT(mallocx((size_t)PTRDIFF_MAX + 1, MALLOCX_ZERO) == NULL);
    EXPECT(mallocx(1, MALLOCX_LG_ALIGN(63)) == NULL);
    EXPECT(nallocx(SIZE_MAX, 0) == 0);
    EXPECT_REFUSED(mallocx(1, MALLOCX_ARENA(arena + 1)), EINVAL);
    return 0;
}
