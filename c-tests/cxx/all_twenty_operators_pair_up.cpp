#include "expect.h"
#include <new>

using std::align_val_t;
using std::nothrow;

static void *good(void *block, std::size_t alignment = 16)
{
    EXPECT(block != nullptr);
    EXPECT(is_aligned(block, alignment));
    return hidden(block);
}

int main()
{
    for (std::size_t bytes = 0; bytes < 3 * MIB; bytes = bytes * 3 + 1) {
        operator delete(good(operator new(bytes)));
        operator delete(good(operator new(bytes)), bytes);
        operator delete(good(operator new(bytes, nothrow)), nothrow);
        operator delete[](good(operator new[](bytes)));
        operator delete[](good(operator new[](bytes)), bytes);
        operator delete[](good(operator new[](bytes, nothrow)), nothrow);
        for (std::size_t alignment = 1; alignment <= 65536; alignment *= 2) {
            align_val_t aligned{alignment};
            operator delete(good(operator new(bytes, aligned), alignment), aligned);
            operator delete(good(operator new(bytes, aligned), alignment), bytes, aligned);
            operator delete(good(operator new(bytes, aligned, nothrow), alignment), aligned, nothrow);
            operator delete[](good(operator new[](bytes, aligned), alignment), aligned);
            operator delete[](good(operator new[](bytes, aligned), alignment), bytes, aligned);
            operator delete[](good(operator new[](bytes, aligned, nothrow), alignment), aligned, nothrow);
        }
    }
}
