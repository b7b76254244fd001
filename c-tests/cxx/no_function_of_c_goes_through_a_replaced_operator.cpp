// modes: preload linked static
// An operator of the program's is called by operators alone: blocks of malloc's are none of its
// business.
#include "replaced.h"

void *operator new(std::size_t bytes) { return own_new(bytes); }
void operator delete(void *start) noexcept { own_delete(start); }
void operator delete(void *start, std::align_val_t) noexcept { own_delete(start); }

int main()
{
    require_tinyalloc();
    using Free = void (*)(void *);
    for (const char *name : {"free", "cfree", "__libc_free", "__libc_cfree"})
        reinterpret_cast<Free>(need(name))(hidden(malloc(100)));
    using FreeSized = void (*)(void *, std::size_t);
    for (const char *name : {"free_sized", "freezero"}) reinterpret_cast<FreeSized>(need(name))(hidden(malloc(100)), 100);
    reinterpret_cast<void (*)(void *, std::size_t, std::size_t)>(need("free_aligned_sized"))(hidden(malloc(100)), 16, 100);
    reinterpret_cast<void (*)(void *, std::size_t, int)>(need("sdallocx"))(hidden(malloc(100)), 100, 0);
    EXPECT(realloc(hidden(malloc(100)), 0) == nullptr);
    EXPECT(reallocarray(hidden(malloc(100)), 0, 8) == nullptr);
    free(hidden(realloc(hidden(malloc(100)), 100000)));
    free(hidden(calloc(10, 10)));
    expect_counts(0, 0);
}
