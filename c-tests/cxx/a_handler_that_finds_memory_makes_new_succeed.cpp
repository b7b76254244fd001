#include "expect.h"
#include <new>

static struct rlimit plenty;
static int calls;

static void lifts_the_limit()
{
    calls++;
    EXPECT(setrlimit(RLIMIT_AS, &plenty) == 0);
}

int main()
{
    EXPECT(getrlimit(RLIMIT_AS, &plenty) == 0);
    // Huge, so that only a new mapping can serve it.
    std::size_t bytes = std::size_t{1} << 30;
    void *probe = malloc(bytes);
    if (!probe) skip("this machine does not map 1 GiB");
    free(probe);
    malloc_trim(0);
    struct rlimit tight = {address_space_bytes() + 64 * MIB, plenty.rlim_max};
    EXPECT(setrlimit(RLIMIT_AS, &tight) == 0);
    std::set_new_handler(lifts_the_limit);
    char *block = static_cast<char *>(operator new(bytes));
    EXPECT(calls == 1);
    block[0] = block[bytes - 1] = 1;
    operator delete(block);
}
