#include "expect.h"
#include <exception>
#include <new>

static void was_bad_alloc()
{
    try {
        throw;
    } catch (const std::bad_alloc &) {
        _exit(0);
    } catch (...) {
    }
    _exit(2);
}

int main()
{
    std::set_terminate(was_bad_alloc);
    hidden(operator new(hidden_size(SIZE_MAX)));
    return 1;
}
