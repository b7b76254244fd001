#include "expect.h"
#include <memory>
#include <vector>

struct alignas(64) Line {
    char byte[64];
};

struct alignas(4096) Page {
    char byte[100];
};

int main()
{
    std::vector<std::unique_ptr<Line>> lines;
    std::vector<std::unique_ptr<Page>> pages;
    for (int i = 0; i < 1000; i++) {
        lines.push_back(std::make_unique<Line>());
        pages.push_back(std::make_unique<Page>());
        EXPECT(is_aligned(lines.back().get(), 64));
        EXPECT(is_aligned(pages.back().get(), 4096));
    }
    std::vector<Page> row(10);
    EXPECT(is_aligned(row.data(), 4096));
    auto array = std::make_unique<Line[]>(33);
    EXPECT(is_aligned(array.get(), 64));
}
