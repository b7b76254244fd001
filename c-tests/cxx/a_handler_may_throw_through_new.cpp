#include "expect.h"
#include <new>

struct Ours : std::bad_alloc {
    int code = 7;
};

static void throws_ours() { throw Ours(); }

int main()
{
    std::set_new_handler(throws_ours);
    for (int i = 0; i < 100; i++) {
        int code = 0;
        try {
            hidden(operator new(hidden_size(SIZE_MAX)));
        } catch (const Ours &error) {
            code = error.code;
        }
        EXPECT(code == 7);
    }
}
