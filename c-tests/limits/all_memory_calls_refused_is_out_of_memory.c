#include "hard_times.h"
#include "seccomp.h"

enum { BLOCK_BYTES = 8000, BLOCKS_MAX = 100000 };

int main(void)
{
    REFUSE(EPERM, SYS_mmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_munmap, SYS_brk);
    void **chain = NULL, **block = NULL;
    int blocks = 0;
    errno = 0;
    while (blocks < BLOCKS_MAX && (block = malloc(BLOCK_BYTES))) {
        *block = chain;
        chain = block;
        blocks++;
    }
    EXPECT(blocks < BLOCKS_MAX);
    EXPECT(errno == ENOMEM);
    for (; chain; chain = block) {
        block = *chain;
        free(chain);
    }
    for (int i = 0; i < blocks; i++) free(malloc(BLOCK_BYTES));
    hard_times();
}
