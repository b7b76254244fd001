#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "containers.h"

enum { THREADS = 6, ROUNDS = 400 };

using row = std::vector<text, on<text>>;
using tree = std::pmr::map<int, std::pmr::string>;

static tinyalloc::heap heap("shared");
static tinyalloc::memory_resource resource(heap);
static std::mutex lock;
static std::map<int, row> *handed_over;

/* Each thread makes containers, and takes, changes and destroys those of others. */
static void work(int number)
{
    for (int round = 0; round < ROUNDS; round++) {
        row made(heap);
        for (int i = 0; i < 20; i++) made.push_back(text(static_cast<size_t>(10 + i * 9), 'x', heap));
        tree mine(&resource);
        for (int i = 0; i < 20; i++) mine.emplace(i, "a text too long for the object itself, by far");
        EXPECT(heap.contains(made.data()) && heap.contains(&mine.begin()->second));
        std::lock_guard<std::mutex> guard(lock);
        auto place = handed_over->emplace(round % 16, row(heap)).first;
        std::swap(place->second, made);
        EXPECT(made.empty() || (made.size() == 20 && made[number].size() == 10u + static_cast<size_t>(number) * 9));
        if (round % 7 == 0) handed_over->erase(round % 5);
    }
}

int main()
{
    watchdog(50);
    std::map<int, row> shared;
    handed_over = &shared;
    std::vector<std::thread> threads;
    for (int i = 0; i < THREADS; i++) threads.emplace_back(work, i);
    for (std::thread &thread : threads) thread.join();
    shared.clear();
    heap.purge();
    EXPECT(heap.stats().allocated == 0);
    // A heap may change hands as well.
    tinyalloc::heap own("handed over");
    {
        std::vector<int, on<int>> numbers(1000, 7, own);
        EXPECT(own.contains(numbers.data()));
    }
    std::thread([](tinyalloc::heap taken) { EXPECT(taken && ta_heap_malloc(taken.get(), 100) != nullptr); }, std::move(own)).join();
    EXPECT(!own);
}
