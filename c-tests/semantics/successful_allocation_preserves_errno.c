/* The standard allows a change, glibc makes none, and programs have come to rely on it. */
#include "expect.h"

static void *keeps_errno(void *block)
{
    EXPECT(block != NULL);
    EXPECT(errno == ERRNO_UNTOUCHED);
    return block;
}

int main(void)
{
    for (size_t bytes = 0; bytes <= 80 * MIB; bytes = bytes * 3 / 2 + 1) {
        errno = ERRNO_UNTOUCHED;
        free(keeps_errno(malloc(bytes)));
        free(keeps_errno(calloc(1, bytes)));
        free(keeps_errno(memalign(4096, bytes)));
        void *block = keeps_errno(realloc(NULL, bytes));
        block = keeps_errno(realloc(block, bytes * 2 + 1));
        block = keeps_errno(realloc(block, bytes / 2 + 1));
        (void)malloc_usable_size(block);
        free(block);
        EXPECT(errno == ERRNO_UNTOUCHED);
    }
}
