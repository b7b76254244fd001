/* Kernels are built without madvise (CONFIG_ADVISE_SYSCALLS): what a program freed must not stay
 * resident there. */
#include "seccomp.h"

enum { LARGE = 64, SMALL = 200000 };

static void *large[LARGE], *small[SMALL];

static void use_and_free(void)
{
    for (int i = 0; i < LARGE; i++) memset(large[i] = malloc(MIB), 1, MIB);
    for (int i = 0; i < SMALL; i++) memset(small[i] = malloc(300), 1, 300);
    for (int i = 0; i < LARGE; i++) free(large[i]);
    for (int i = 0; i < SMALL; i++) free(small[i]);
}

int main(void)
{
    require_tinyalloc();
    REFUSE(ENOSYS, SYS_madvise);
    use_and_free();
    malloc_trim(0);
    size_t after = resident_bytes();
    say("%zu KiB resident\n", after / KIB);
    EXPECT(after < 24 * MIB);
    for (int i = 0; i < 1000; i++) {
        char *block = calloc(1, 100000);
        for (size_t at = 0; at < 100000; at++) EXPECT(block[at] == 0);
        memset(block, 1, 100000);
        free(block);
    }
    use_and_free();
}
