#include "expect.h"

int main(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t bytes = 0; bytes < 5 * page; bytes += 97) {
        errno = ERRNO_UNTOUCHED;
        void *block = pvalloc(bytes);
        EXPECT(block != NULL);
        EXPECT(errno == ERRNO_UNTOUCHED);
        EXPECT(is_aligned(block, page));
        EXPECT(malloc_usable_size(block) >= (bytes + page - 1) / page * page);
        free(block);
    }
}
