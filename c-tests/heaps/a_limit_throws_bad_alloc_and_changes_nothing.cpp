#include <map>
#include <vector>

#include "containers.h"

enum { LIMIT = 1 << 20 };

/* Grows until there is no more; then all must be as it was. */
template <class Row>
static void check_row(Row row)
{
    bool thrown = throws<std::bad_alloc>([&row] {
        for (int i = 0;; i++) row.push_back(i);
    });
    EXPECT(thrown && row.size() > LIMIT / 8 / sizeof(int) && row.size() == row.capacity());
    auto *where = row.data();
    size_t count = row.size();
    EXPECT(throws<std::bad_alloc>([&row] { row.push_back(0); }));
    EXPECT(throws<std::bad_alloc>([&row] { row.reserve(LIMIT); }));
    EXPECT(throws<std::bad_alloc>([&row] {
        Row copy(row, row.get_allocator()), more(row, row.get_allocator()), third(row, row.get_allocator());
    }));
    EXPECT(row.data() == where && row.size() == count);
    for (size_t i = 0; i < count; i++) EXPECT(row[i] == static_cast<int>(i));
}

template <class Tree>
static void check_tree(Tree tree)
{
    int next = 0;
    EXPECT(throws<std::bad_alloc>([&] {
        for (;; next++) tree.emplace(next, next);
    }));
    EXPECT(next > 10000 && tree.size() == static_cast<size_t>(next));
    for (int i = 0; i < next; i += 2) tree.erase(i);
    for (int i = 0; i < next; i += 2) tree.emplace(i, i);
    EXPECT(throws<std::bad_alloc>([&] { tree.emplace(next, next); }));
    for (auto &pair : tree) EXPECT(pair.first == pair.second);
}

struct Thrower {
    Thrower() { throw 7; }
    char bytes[100];
};

static int makes_room(ta_heap_t *heap, size_t, void *calls)
{
    ++*static_cast<int *>(calls);
    return ta_heap_set_limit(heap, 0) == 0;
}

static void the_handler_comes_first()
{
    int calls = 0;
    ta_heap_options_t options = {};
    options.limit = LIMIT, options.on_limit = makes_room, options.argument = &calls;
    tinyalloc::heap heap(options);
    std::vector<char, on<char>> bytes(4 * LIMIT, 'x', heap);
    EXPECT(calls == 1 && heap.limit() == 0 && heap.contains(bytes.data()));
}

int main()
{
    tinyalloc::heap heap("bounded", LIMIT);
    tinyalloc::memory_resource resource(heap);
    check_row(std::vector<int, on<int>>(heap));
    check_row(std::pmr::vector<int>(&resource));
    check_tree(std::map<int, int, std::less<int>, on<std::pair<const int, int>>>(heap));
    check_tree(std::pmr::map<int, int>(&resource));
    EXPECT(is_empty(heap) && heap.limit() == LIMIT);
    on<int> allocator(heap);
    EXPECT(throws<std::bad_array_new_length>([&] { allocator.deallocate(allocator.allocate(SIZE_MAX / 2), 0); }));
    EXPECT(throws<std::bad_alloc>([&] { allocator.deallocate(allocator.allocate(PTRDIFF_MAX / sizeof(int)), 0); }));
    EXPECT(throws<int>([&] { tinyalloc::make_unique<Thrower>(heap); }) && is_empty(heap));
    {
        tinyalloc::current_heap scope(heap);
        EXPECT(throws<std::bad_alloc>([] { std::string(2 * LIMIT, 'x'); }));
        EXPECT(throws<std::bad_alloc>([] { hidden(new char[hidden_size(2 * LIMIT)]); }));
    }
    EXPECT(heap.set_limit(0));
    std::vector<int, on<int>>(LIMIT, 7, heap).push_back(7);
    the_handler_comes_first();
}
