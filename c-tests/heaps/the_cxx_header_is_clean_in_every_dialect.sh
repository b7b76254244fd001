cat > program.cpp << 'PROGRAM'
#include <tinyalloc.hpp>
#include <tinyalloc.hpp>

#include <vector>

struct Base {
    virtual ~Base() {}
};
struct Derived : Base {
    int value = 7;
};

int main()
{
    tinyalloc::heap heap("dialect", 1 << 20), empty(static_cast<ta_heap_t *>(nullptr));
    std::vector<int, tinyalloc::allocator<int>> row(heap);
    row.push_back(1);
    tinyalloc::current_heap scope(heap);
    std::unique_ptr<Base, tinyalloc::deleter<Base>> owner = tinyalloc::make_unique<Derived>(heap);
    bool good = heap.contains(row.data()) && heap.contains(owner.get()) && heap.stats().allocated != 0 && !empty;
#if __cplusplus >= 201703L
    tinyalloc::memory_resource resource(heap), other(heap);
    std::pmr::vector<int> numbers(&resource);
    numbers.push_back(1);
    good = good && heap.contains(numbers.data()) && resource == resource;
#endif
    return good ? 0 : 1;
}
PROGRAM
warnings="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wnon-virtual-dtor -Werror"
tried=0
for compiler in g++ clang++; do
    command -v $compiler > /dev/null || continue
    for standard in c++11 c++17 c++20; do
        for without in "" "-fno-exceptions -fno-rtti"; do
            $compiler -std=$standard $without $warnings -I"$C_TESTS/../include" -fsyntax-only program.cpp || exit 1
            tried=$((tried + 1))
        done
    done
    $compiler -std=c++17 -fno-exceptions -fno-rtti -I"$C_TESTS/../include" program.cpp -o program "$LIB_SO" \
        -Wl,-rpath,"$(dirname "$LIB_SO")" && ./program || exit 1
done
[ $tried -gt 0 ] || exit 77
