#include <map>
#include <vector>

#include "containers.h"

template <size_t ALIGNMENT>
struct alignas(ALIGNMENT) Aligned {
    unsigned char byte = 7;
};

template <size_t ALIGNMENT>
static void check(tinyalloc::heap &heap)
{
    using object = Aligned<ALIGNMENT>;
    tinyalloc::memory_resource resource(heap);
    std::vector<object, on<object>> row(heap);
    std::map<int, object, std::less<int>, on<std::pair<const int, object>>> tree(heap);
    std::pmr::vector<object> other(&resource);
    for (int i = 0; i < 20; i++) {
        row.emplace_back();
        other.emplace_back();
        auto single = tinyalloc::make_unique<object>(heap);
        EXPECT(is_aligned(row.data(), ALIGNMENT) && is_aligned(other.data(), ALIGNMENT));
        EXPECT(is_aligned(&tree[i], ALIGNMENT) && is_aligned(single.get(), ALIGNMENT));
        EXPECT(heap.contains(row.data()) && heap.contains(other.data()) && heap.contains(&tree[i]) && heap.contains(single.get()));
    }
    for (const object &each : row) EXPECT(each.byte == 7);
}

int main()
{
    tinyalloc::heap heap("aligned");
    check<1>(heap);
    check<16>(heap);
    check<32>(heap);
    check<64>(heap);
    check<4096>(heap);
    check<65536>(heap);
    EXPECT(is_empty(heap));
    // More than the type needs, as a resource may be asked for.
    tinyalloc::memory_resource resource(heap);
    for (size_t alignment = 1; alignment <= MIB; alignment *= 2) {
        void *block = resource.allocate(100, alignment);
        EXPECT(is_aligned(block, alignment) && heap.contains(block));
        resource.deallocate(block, 100, alignment);
    }
    EXPECT(is_empty(heap));
}
