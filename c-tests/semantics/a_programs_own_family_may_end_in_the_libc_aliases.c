// modes: preload linked system
// Programs count or refuse allocations by a malloc of their own that goes on to __libc_malloc. The
// aliases do not call it again.
#include "expect.h"

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t), *__libc_valloc(size_t), *__libc_pvalloc(size_t);
extern void __libc_free(void *);

enum { CALLS_MAX = 1000 };

static unsigned calls;

static void count(void)
{
    if (++calls > CALLS_MAX) expect_failed(__FILE__, __LINE__, "no alias comes back to the program");
}

void *malloc(size_t bytes) { return count(), __libc_malloc(bytes); }
void *calloc(size_t number, size_t bytes) { return count(), __libc_calloc(number, bytes); }
void *realloc(void *block, size_t bytes) { return count(), __libc_realloc(block, bytes); }
void *memalign(size_t align, size_t bytes) { return count(), __libc_memalign(align, bytes); }
void *valloc(size_t bytes) { return count(), __libc_valloc(bytes); }
void *pvalloc(size_t bytes) { return count(), __libc_pvalloc(bytes); }
void free(void *block) { count(), __libc_free(block); }

static void expect_one_call(void *block)
{
    EXPECT(calls == 1 && block != NULL);
    free(block);
    EXPECT(calls == 2);
    calls = 0;
}

int main(void)
{
    calls = 0;
    expect_one_call(malloc(hidden_size(100)));
    expect_one_call(calloc(hidden_size(3), 100));
    expect_one_call(realloc(hidden(NULL), 100));
    expect_one_call(memalign(hidden_size(64), 100));
    expect_one_call(valloc(hidden_size(100)));
    expect_one_call(pvalloc(hidden_size(100)));
    return 0;
}
