// modes: linked static
// The program's delete knows only the blocks of its new.
#include "typed.h"

#include <new>

extern "C" {
void *__alloc_token__Znwm(size_t, size_t);
void *__alloc_token__Znam(size_t, size_t);
void *__alloc_token__ZnwmRKSt9nothrow_t(size_t, const std::nothrow_t &, size_t);
}

static char room[1000];
static size_t used;

void *operator new(size_t bytes)
{
    used += (bytes + 15) / 16 * 16;
    return room + used - (bytes + 15) / 16 * 16;
}

void operator delete(void *block) noexcept
{
    EXPECT((char *)block >= room && (char *)block < room + sizeof room);
}

void operator delete(void *block, size_t) noexcept
{
    operator delete(block);
}

int main(int count, char **)
{
    if (count == 1) {
        expect_again_with("");
        expect_again_with("partitions=2");
        return 0;
    }
    operator delete(__alloc_token__Znwm(10, 1));
    operator delete(__alloc_token__Znam(10, 1));
    operator delete(__alloc_token__ZnwmRKSt9nothrow_t(10, std::nothrow, 1));
    EXPECT(used == 48);
}
