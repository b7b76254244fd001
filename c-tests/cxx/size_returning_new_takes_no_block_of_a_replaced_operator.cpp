// The program's operator hands out what has no size for us.
#include "expect.h"
#include <new>

struct sized_ptr_t {
    void *p;
    std::size_t n;
};

static int calls;
alignas(16) static char arena[100];

void *operator new(std::size_t)
{
    calls++;
    return arena;
}

void operator delete(void *) noexcept {}
void operator delete(void *, std::size_t) noexcept {}

int main()
{
    EXPECT(hidden(operator new(10)) == arena && calls == 1);
    auto sized = reinterpret_cast<sized_ptr_t (*)(std::size_t)>(need("__size_returning_new"));
    sized_ptr_t got = sized(10);
    EXPECT(calls == 1 && got.n >= 10 && got.p != arena);
    free(got.p);
}
