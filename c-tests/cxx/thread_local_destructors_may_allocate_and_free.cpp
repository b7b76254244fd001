#include "expect.h"
#include <string>
#include <thread>
#include <vector>

struct Talker {
    std::vector<std::string> lines;
    void *kept = nullptr;

    ~Talker()
    {
        for (int i = 0; i < 100; i++) lines.push_back(std::string(static_cast<std::size_t>(i * 13), 'y'));
        free(kept);
        free(realloc(malloc(100), 5000));
    }
};

static thread_local Talker talker;

int main()
{
    for (int i = 0; i < 500; i++)
        std::thread([] {
            talker.kept = malloc(3000);
            talker.lines.emplace_back("begun");
        }).join();
    talker.lines.emplace_back("main");
    EXPECT(resident_bytes() < 64 * MIB);
}
