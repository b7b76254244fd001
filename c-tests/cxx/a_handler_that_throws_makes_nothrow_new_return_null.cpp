#include "expect.h"
#include <new>

static void throws() { throw std::bad_alloc(); }

int main()
{
    std::set_new_handler(throws);
    EXPECT(operator new(hidden_size(SIZE_MAX), std::nothrow) == nullptr);
    EXPECT(operator new[](hidden_size(SIZE_MAX), std::nothrow) == nullptr);
    EXPECT(operator new(hidden_size(SIZE_MAX), std::align_val_t{64}, std::nothrow) == nullptr);
}
