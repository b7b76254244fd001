// modes: linked
// A program that replaces a part of the family may take the rest of it for that. None of the rest
// comes back to the program.
#include "expect.h"

enum { CALLS_MAX = 1000 };

static unsigned calls;

static void count(void)
{
    if (++calls > CALLS_MAX) expect_failed(__FILE__, __LINE__, "none of the rest comes back to the program");
}

extern void free_sized(void *, size_t), _ZdlPv(void *);
extern int reallocarr(void *, size_t, size_t);

void *malloc(size_t bytes) { return count(), reallocarray(NULL, 1, bytes); }

void *calloc(size_t number, size_t bytes)
{
    void *array = NULL;
    count();
    return reallocarr(&array, number, bytes) == 0 ? memset(array, 0, number * bytes) : NULL;
}

void *memalign(size_t align, size_t bytes)
{
    void *block = NULL;
    count();
    return posix_memalign(&block, align, bytes) == 0 ? block : NULL;
}

void free(void *block)
{
    count();
    if (calls % 2) free_sized(block, 100);
    else _ZdlPv(block);
}

int main(void)
{
    require_tinyalloc();
    calls = 0;
    for (int round = 0; round < 10; round++) {
        void *blocks[] = {malloc(hidden_size(100)), calloc(hidden_size(1), 100), memalign(hidden_size(64), 100)};
        for (size_t block = 0; block < COUNT_OF(blocks); block++) {
            EXPECT(blocks[block] != NULL);
            memset(blocks[block], 0xA5, 100);
            free(blocks[block]);
        }
    }
    EXPECT(calls == 60);
    return 0;
}
