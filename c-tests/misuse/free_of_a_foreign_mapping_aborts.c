#include "expect.h"

static size_t bytes;

static void mistake(void)
{
    void *mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT(mapping != MAP_FAILED);
    free(malloc(64 * MIB));
    free(culprit(mapping));
}

int main(void)
{
    require_tinyalloc();
    for (bytes = 4096; bytes <= 4096 * MIB; bytes *= 16) expect_abort(mistake, "invalid free of %p");
}
