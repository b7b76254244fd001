/* .preinit_array runs before the constructors of all libraries, the allocator's included. */
#include "expect.h"

static void *early, *large;

static void preinit(void)
{
    early = malloc(100);
    large = calloc(1, 100000);
    if (!early || !large) _exit(1);
    memset(early, 1, 100);
    free(malloc(10));
}

__attribute__((section(".preinit_array"), used)) static void (*const run_first)(void) = preinit;

int main(void)
{
    EXPECT(early && ((char *)early)[99] == 1);
    EXPECT(is_zero(large, 100000));
    early = realloc(early, 10000);
    EXPECT(early && ((char *)early)[99] == 1);
    free(early);
    free(large);
}
