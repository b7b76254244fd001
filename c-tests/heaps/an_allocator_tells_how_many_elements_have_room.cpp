#include "../../include/tinyalloc.hpp"
#include "expect.h"

struct alignas(64) Line {
    char bytes[64];
};

template <class T>
static void check(tinyalloc::allocator<T> allocator, tinyalloc::heap &heap, std::size_t most)
{
    for (std::size_t count = 0; count < most; count++) {
        auto got = allocator.allocate_at_least(count);
        EXPECT(got.count >= count && heap.contains(got.ptr));
        EXPECT(got.count * sizeof(T) <= malloc_usable_size(got.ptr));
        memset(static_cast<void *>(got.ptr), 1, got.count * sizeof(T));
        allocator.deallocate(got.ptr, got.count);
    }
}

int main()
{
    tinyalloc::heap heap("sizes");
    check(tinyalloc::allocator<int>(heap), heap, 30000);
    check(tinyalloc::allocator<char[24]>(heap), heap, 3000);
    check(tinyalloc::allocator<Line>(heap), heap, 300);
    EXPECT(tinyalloc::allocator<char>(heap).allocate_at_least(33).count == 48);
    EXPECT(tinyalloc::allocator<int>(heap).allocate_at_least(9000).count == 9216);
    bool caught = false;
    try {
        tinyalloc::allocator<int>(heap).allocate_at_least(hidden_size(SIZE_MAX));
    } catch (const std::bad_array_new_length &) {
        caught = true;
    }
    EXPECT(caught);
}
