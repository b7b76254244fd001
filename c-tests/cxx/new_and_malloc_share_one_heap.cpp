#include "expect.h"
#include <new>

int main()
{
    for (std::size_t bytes = 1; bytes < MIB; bytes = bytes * 3 + 1) {
        void *block = operator new(bytes);
        EXPECT(malloc_usable_size(block) >= bytes);
        free(realloc(block, bytes * 2));
        operator delete(hidden(malloc(bytes)));
        operator delete(hidden(memalign(256, bytes)));
    }
}
