#include "expect.h"
#include <initializer_list>
#include <new>

int main()
{
    std::align_val_t aligned{64};
    for (std::size_t bytes : {std::size_t{PTRDIFF_MAX}, std::size_t{PTRDIFF_MAX} + 1, std::size_t{SIZE_MAX}}) {
        EXPECT(operator new(bytes, std::nothrow) == nullptr);
        EXPECT(operator new[](bytes, std::nothrow) == nullptr);
        EXPECT(operator new(bytes, aligned, std::nothrow) == nullptr);
        EXPECT(operator new[](bytes, aligned, std::nothrow) == nullptr);
    }
}
