// modes: preload linked static system
// Nothrow and sized operators for arrays go through those for arrays, and no other does.
#include "replaced.h"

using std::nothrow;

void *operator new[](std::size_t bytes) { return own_new(bytes); }
void operator delete[](void *start) noexcept { own_delete(start); }

static void use_all()
{
    operator delete[](operator new[](100));
    operator delete[](operator new[](100), std::size_t{100});
    operator delete[](operator new[](100, nothrow), nothrow);
    expect_counts(3, 3);
    refuses = true;
    EXPECT(operator new[](100, nothrow) == nullptr);
    refuses = false;
    expect_counts(1, 0);
    operator delete(hidden(operator new(100)));
    operator delete(hidden(operator new(100)), std::size_t{100});
    operator delete(hidden(operator new(100, nothrow)), nothrow);
    expect_counts(0, 0);
}

int main()
{
    use_all();
    check_sizes("on");
    use_all();
    check_sizes("off");
    use_all();
}
