#include <map>
#include <vector>

#include "containers.h"

static int destroyed;

struct Noted {
    ~Noted() { destroyed++; }
    int value = 7;
};

using numbers = std::vector<int, on<int>>;
using tree = std::pmr::map<int, std::pmr::string>;

static void read_it(void *at) { *static_cast<volatile char *>(at); }

/* Containers whose own objects lie in the heap too: no thread outside is left to destroy them. */
static tree *fill_up(tinyalloc::heap &heap)
{
    tinyalloc::memory_resource *resource = tinyalloc::make_unique<tinyalloc::memory_resource>(heap, heap.get()).release();
    tree *book = tinyalloc::make_unique<tree>(heap, resource).release();
    for (int i = 0; i < 5000; i++) book->emplace(i, "a text too long for the object itself, by far");
    tinyalloc::make_unique<numbers>(heap, 200000u, 7, on<int>(heap)).release();
    tinyalloc::make_unique<Noted>(heap).release();
    return book;
}

int main()
{
    tinyalloc::heap other("other");
    numbers bystander(1000, 7, other);
    size_t elsewhere = live_slots(ta_heap_global());
    tree *book;
    {
        tinyalloc::heap heap("gone");
        book = fill_up(heap);
        EXPECT(live_slots(heap.get()) > 10000 && live_slots(ta_heap_global()) == elsewhere);
    }
    expect_trap(read_it, book);
    EXPECT(ta_heap_owner(book) == nullptr && destroyed == 0);
    tinyalloc::heap heap("again and again");
    for (int round = 0; round < 50; round++) {
        EXPECT(fill_up(heap)->size() == 5000 && heap.reset() && is_empty(heap));
    }
    EXPECT(destroyed == 0 && live_slots(ta_heap_global()) == elsewhere);
    for (int each : bystander) EXPECT(each == 7);
}
