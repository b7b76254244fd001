#include <list>
#include <vector>

#include "containers.h"

using numbers = std::vector<int, on<int>>;

static tinyalloc::heap left("left"), right("right");

static void moves_and_copies()
{
    numbers one(1000, 7, left), other(right);
    const int *where = one.data();
    numbers moved(std::move(one));
    EXPECT(moved.data() == where && left.contains(moved.data()));
    other = std::move(moved);
    EXPECT(right.contains(other.data()) && other.size() == 1000 && other[999] == 7);
    one = other;
    EXPECT(left.contains(one.data()) && one == other);
    numbers in_left(other, on<int>(left)), stolen(numbers(other, on<int>(left)), on<int>(right));
    EXPECT(left.contains(in_left.data()) && right.contains(stolen.data()) && stolen == other);
    numbers twin(2000, 8, left);
    twin.swap(one);
    EXPECT(twin[0] == 7 && one[0] == 8 && one.size() == 2000);
}

static void lists_take_over_nodes_of_their_own_heap()
{
    std::list<int, on<int>> one({1, 2, 3}, left), other({4, 5}, left);
    const int *where = &other.front();
    one.splice(one.end(), other);
    EXPECT(one.size() == 5 && &*std::next(one.begin(), 3) == where);
}

static void a_copy_without_a_heap_is_in_the_current_one()
{
    numbers original(1000, 7, left);
    numbers kept = original;
    EXPECT(ta_heap_owner(kept.data()) == ta_heap_global());
    tinyalloc::current_heap scope(right);
    numbers copy = original, fresh;
    fresh.push_back(1);
    EXPECT(right.contains(copy.data()) && right.contains(fresh.data()));
}

static void equality_is_that_of_heaps()
{
    EXPECT(on<int>(left) == on<char>(left) && on<int>(left) != on<int>(right));
    tinyalloc::memory_resource one(left), same(left.get()), other(right);
    EXPECT(one == same && one != other && one != *std::pmr::new_delete_resource());
    std::pmr::vector<int> here(1000, 7, &one), there(&other), near(&same);
    const int *where = here.data();
    near = std::move(here);
    EXPECT(near.data() == where);
    there = std::move(near);
    EXPECT(right.contains(there.data()) && there.size() == 1000);
}

static void swap_between_heaps()
{
    numbers one(1000, 7, left), other(10, 8, right);
    culprit(one.data());
    one.swap(other);
    { numbers gone(std::move(other)); }
}

int main()
{
    moves_and_copies();
    lists_take_over_nodes_of_their_own_heap();
    a_copy_without_a_heap_is_in_the_current_one();
    equality_is_that_of_heaps();
    EXPECT(is_empty(left) && is_empty(right));
    expect_abort(swap_between_heaps, "free of %p in heap \"right\": it is a block of heap \"left\"");
}
