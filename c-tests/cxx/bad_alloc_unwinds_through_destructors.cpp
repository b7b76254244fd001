#include "expect.h"
#include <new>

static int destroyed;

struct Guard {
    ~Guard() { destroyed++; }
};

__attribute__((noinline)) static void deep(int levels)
{
    Guard guard;
    if (levels > 0) return deep(levels - 1);
    hidden(operator new(hidden_size(SIZE_MAX)));
}

int main()
{
    for (int i = 0; i < 100; i++) {
        destroyed = 0;
        bool caught = false;
        try {
            deep(9);
        } catch (std::bad_alloc &error) {
            caught = error.what() != nullptr;
        }
        EXPECT(caught);
        EXPECT(destroyed == 10);
    }
}
