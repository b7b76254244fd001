/* tdesktop#16112, zapzap#518: hardened_malloc aborts on sizes that real programs get wrong. */
#include "expect.h"
#include <new>

int main()
{
    for (int i = 0; i < 100000; i++) {
        operator delete(operator new(100), std::size_t{101});
        operator delete(operator new(1000), std::size_t{1});
        operator delete(operator new(100, std::align_val_t{256}), std::size_t{100}, std::align_val_t{256});
    }
    EXPECT(resident_bytes() < 64 * MIB);
}
