// modes: preload linked static system
// ISO C++20 17.6.3: a program that replaces the four plain operators has them called by the other
// sixteen.
#include "replaced.h"

using std::align_val_t;
using std::nothrow;

void *operator new(std::size_t bytes) { return own_new(bytes); }
void *operator new(std::size_t bytes, align_val_t align) { return EXPECT(align == align_val_t{64}), own_new(bytes); }
void operator delete(void *start) noexcept { own_delete(start); }
void operator delete(void *start, align_val_t align) noexcept { EXPECT(align == align_val_t{64}), own_delete(start); }

static const align_val_t ALIGNED{64};

static void use_all()
{
    operator delete(operator new(100));
    operator delete(operator new(100), std::size_t{100});
    operator delete(operator new(100, nothrow), nothrow);
    operator delete[](operator new[](100));
    operator delete[](operator new[](100), std::size_t{100});
    operator delete[](operator new[](100, nothrow), nothrow);
    expect_counts(6, 6);
    operator delete(operator new(100, ALIGNED), ALIGNED);
    operator delete(operator new(100, ALIGNED), std::size_t{100}, ALIGNED);
    operator delete(operator new(100, ALIGNED, nothrow), ALIGNED, nothrow);
    operator delete[](operator new[](100, ALIGNED), ALIGNED);
    operator delete[](operator new[](100, ALIGNED), std::size_t{100}, ALIGNED);
    operator delete[](operator new[](100, ALIGNED, nothrow), ALIGNED, nothrow);
    expect_counts(6, 6);
}

static void expect_null_where_theirs_throw()
{
    refuses = true;
    for (int round = 0; round < 3; round++) {
        EXPECT(operator new(100, nothrow) == nullptr);
        EXPECT(operator new[](100, nothrow) == nullptr);
        EXPECT(operator new(100, ALIGNED, nothrow) == nullptr);
        EXPECT(operator new[](100, ALIGNED, nothrow) == nullptr);
    }
    refuses = false;
    expect_counts(12, 0);
}

int main()
{
    use_all();
    expect_null_where_theirs_throw();
    check_sizes("on");
    use_all();
    check_sizes("off");
    use_all();
}
