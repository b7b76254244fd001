#include "expect.h"
#include <new>
#include <string>
#include <vector>

int main()
{
    bool caught = false;
    try {
        hidden(new double[hidden_size(SIZE_MAX / 4)]);
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    EXPECT(caught);
    caught = false;
    try {
        std::vector<char> too_long(hidden_size(PTRDIFF_MAX));
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    EXPECT(caught);
}
