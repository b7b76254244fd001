/* Shims and old dynamic linkers bind the __libc_ names: a block from either name may be freed by
 * the other. */
#include "expect.h"

int main(void)
{
    void *(*allocate)(size_t) = (void *(*)(size_t))need("__libc_malloc");
    void *(*clear)(size_t, size_t) = (void *(*)(size_t, size_t))need("__libc_calloc");
    void *(*resize)(void *, size_t) = (void *(*)(void *, size_t))need("__libc_realloc");
    void (*release)(void *) = (void (*)(void *))need("__libc_free");
    for (size_t bytes = 1; bytes < 5 * MIB; bytes = bytes * 3 + 1) {
        void *block = allocate(bytes);
        EXPECT(block != NULL);
        EXPECT(malloc_usable_size(block) >= bytes);
        fill(block, bytes, 1);
        block = resize(block, bytes * 2);
        EXPECT(block != NULL);
        EXPECT(is_filled(block, bytes, 1));
        free(block);
        block = clear(2, bytes);
        EXPECT(block != NULL);
        EXPECT(is_zero(block, 2 * bytes));
        free(block);
        release(malloc(bytes));
    }
    release(NULL);
}
