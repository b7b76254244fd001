#include "expect.h"
#include <new>

int main()
{
    void *nothing = hidden(nullptr);
    std::align_val_t aligned{64};
    errno = ERRNO_UNTOUCHED;
    operator delete(nothing);
    operator delete(nothing, 8);
    operator delete(nothing, std::nothrow);
    operator delete(nothing, aligned);
    operator delete(nothing, 8, aligned);
    operator delete(nothing, aligned, std::nothrow);
    operator delete[](nothing);
    operator delete[](nothing, 8);
    operator delete[](nothing, std::nothrow);
    operator delete[](nothing, aligned);
    operator delete[](nothing, 8, aligned);
    operator delete[](nothing, aligned, std::nothrow);
    EXPECT(errno == ERRNO_UNTOUCHED);
}
