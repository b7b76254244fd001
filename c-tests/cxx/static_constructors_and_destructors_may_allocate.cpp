#include "expect.h"
#include <memory>
#include <string>
#include <vector>

struct Global {
    std::vector<std::unique_ptr<std::string>> kept;

    Global() { add(); }

    void add()
    {
        for (int i = 0; i < 100; i++) kept.push_back(std::make_unique<std::string>(1000, 'z'));
    }

    ~Global()
    {
        add();
        for (auto &each : kept) EXPECT(each->size() == 1000);
    }
};

static Global early;
__attribute__((init_priority(101))) static Global earliest;

int main()
{
    early.add();
    earliest.add();
    static Global late;
}
