#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "containers.h"

enum { ROUNDS = 3000 };

static tinyalloc::heap *heap;

template <class Pairs>
static void check_pairs(Pairs pairs)
{
    for (int i = 0; i < ROUNDS; i++) pairs[(i * 7919) % 5003] = i;
    for (int i = 0; i < ROUNDS; i += 3) pairs.erase((i * 7919) % 5003);
    long sum = 0;
    for (auto &pair : pairs) {
        EXPECT(heap->contains(&pair));
        sum += pair.second;
    }
    EXPECT(pairs.size() == ROUNDS / 3 * 2 && sum == 2999L * 3000 / 2 - 999L * 1000 / 2 * 3);
}

template <class Row>
static void check_row(Row row)
{
    for (int i = 0; i < ROUNDS; i++) row.insert(row.end(), i);
    for (int i = 0; i < ROUNDS / 2; i++) row.erase(row.begin());
    int expected = ROUNDS / 2;
    for (const int &each : row) EXPECT(heap->contains(&each) && each == expected++);
    EXPECT(expected == ROUNDS);
}

template <class Row>
static void check_forward(Row row)
{
    for (int i = 0; i < ROUNDS; i++) row.push_front(i);
    for (const int &each : row) EXPECT(heap->contains(&each));
}

template <class String>
static void check_text(String words)
{
    for (int i = 0; i < ROUNDS; i++) words += "more and more ";
    EXPECT(heap->contains(words.data()) && words.size() == ROUNDS * 14u && words.substr(words.size() - 5) == "more ");
}

int main()
{
    tinyalloc::heap own("containers");
    heap = &own;
    ta_heap_t *global = ta_heap_global();
    tinyalloc::memory_resource resource(own);
    size_t elsewhere = live_slots(global);
    check_row(std::vector<int, on<int>>(own));
    check_row(std::list<int, on<int>>(own));
    check_row(std::deque<int, on<int>>(own));
    check_row(std::set<int, std::less<int>, on<int>>(own));
    check_forward(std::forward_list<int, on<int>>(own));
    check_pairs(std::map<int, int, std::less<int>, on<std::pair<const int, int>>>(own));
    check_pairs(std::unordered_map<int, int, std::hash<int>, std::equal_to<int>, on<std::pair<const int, int>>>(own));
    check_row(std::pmr::vector<int>(&resource));
    check_row(std::pmr::list<int>(&resource));
    check_row(std::pmr::deque<int>(&resource));
    check_row(std::pmr::set<int>(&resource));
    check_forward(std::pmr::forward_list<int>(&resource));
    check_pairs(std::pmr::map<int, int>(&resource));
    check_pairs(std::pmr::unordered_map<int, int>(&resource));
    EXPECT(live_slots(global) == elsewhere && is_empty(own));
    check_text(text(own));
    check_text(std::pmr::string(&resource));
    EXPECT(is_empty(own));
}
