#include "expect.h"

int main(void)
{
    void *(*align)(size_t, size_t) = (void *(*)(size_t, size_t))need("__libc_memalign");
    void *(*page_align)(size_t) = (void *(*)(size_t))need("__libc_valloc");
    void *(*page_round)(size_t) = (void *(*)(size_t))need("__libc_pvalloc");
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t alignment = 1; alignment <= MIB; alignment *= 2) {
        void *block = align(alignment, 100);
        EXPECT(block != NULL);
        EXPECT(is_aligned(block, alignment));
        free(block);
    }
    void *one = page_align(1), *other = page_round(1);
    EXPECT(one && is_aligned(one, page));
    EXPECT(other && is_aligned(other, page));
    EXPECT(malloc_usable_size(other) >= page);
    free(one);
    free(other);
}
