#include <map>
#include <memory_resource>
#include <scoped_allocator>
#include <vector>

#include "containers.h"

static const char *const LONG = "a text too long for the object itself, by far";

template <class Book>
static void fill_and_check(Book &book, const tinyalloc::heap &heap)
{
    size_t elsewhere = live_slots(ta_heap_global());
    for (int i = 0; i < 200; i++) {
        auto &page = book[i % 50];
        page.emplace_back(LONG);
        page.push_back(page.front());
        EXPECT(heap.contains(&page) && heap.contains(&page.back()) && heap.contains(page.back().data()));
    }
    for (auto &page : book) EXPECT(page.second.size() == 8 && page.second.back() == LONG);
    EXPECT(live_slots(ta_heap_global()) == elsewhere);
    EXPECT(live_slots(heap.get()) == 50u + 50 + 400);
}

int main()
{
    tinyalloc::heap heap("nested");
    tinyalloc::memory_resource resource(heap);
    {
        std::pmr::map<int, std::pmr::vector<std::pmr::string>> book(&resource);
        fill_and_check(book, heap);
    }
    EXPECT(is_empty(heap));
    {
        using page = std::vector<text, std::scoped_allocator_adaptor<on<text>>>;
        std::map<int, page, std::less<int>, std::scoped_allocator_adaptor<on<std::pair<const int, page>>>> book{on<page>(heap)};
        fill_and_check(book, heap);
    }
    EXPECT(is_empty(heap));
    // A buffer of the standard library's on top of the heap, and a pool.
    {
        std::pmr::monotonic_buffer_resource buffer(&resource);
        std::pmr::unsynchronized_pool_resource pool(&resource);
        std::pmr::vector<std::pmr::string> left(&buffer), right(&pool);
        for (int i = 0; i < 1000; i++) left.emplace_back(LONG), right.emplace_back(LONG);
        EXPECT(heap.contains(left[999].data()) && heap.contains(right[999].data()));
    }
    EXPECT(is_empty(heap));
}
