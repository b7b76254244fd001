#include "expect.h"
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

static long churn(int seed)
{
    std::map<int, std::string> sorted;
    std::unordered_map<std::string, std::shared_ptr<std::vector<int>>> hashed;
    long sum = 0;
    for (int i = 0; i < 20000; i++) {
        int key = (i * 7919 + seed) % 5000;
        sorted[key] = std::string(static_cast<std::size_t>(key % 300), 'x');
        auto &row = hashed[std::to_string(key)];
        if (!row) row = std::make_shared<std::vector<int>>();
        row->push_back(i);
        if (i % 3 == 0) sorted.erase(key / 2);
        if (i % 5 == 0) hashed.erase(std::to_string(key / 3));
    }
    for (auto &[key, text] : sorted) sum += key + static_cast<long>(text.size());
    for (auto &[key, row] : hashed)
        for (int each : *row) sum += each;
    std::ostringstream out;
    out << sum;
    return std::stol(out.str());
}

int main()
{
    long expected = churn(1);
    std::vector<std::thread> threads;
    long result[4] = {};
    for (long &each : result) threads.emplace_back([&each] { each = churn(1); });
    for (auto &thread : threads) thread.join();
    for (long each : result) EXPECT(each == expected);
}
