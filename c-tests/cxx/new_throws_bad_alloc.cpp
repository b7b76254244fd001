/* mimalloc's C build aborts here (nix-src#603), rpmalloc returns NULL. */
#include "expect.h"
#include <initializer_list>
#include <new>

template <typename Call> static bool throws(Call call)
{
    try {
        call();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

int main()
{
    std::align_val_t aligned{64};
    for (std::size_t bytes : {std::size_t{PTRDIFF_MAX}, std::size_t{PTRDIFF_MAX} + 1, std::size_t{SIZE_MAX}}) {
        EXPECT(throws([=] { hidden(operator new(bytes)); }));
        EXPECT(throws([=] { hidden(operator new[](bytes)); }));
        EXPECT(throws([=] { hidden(operator new(bytes, aligned)); }));
        EXPECT(throws([=] { hidden(operator new[](bytes, aligned)); }));
    }
}
