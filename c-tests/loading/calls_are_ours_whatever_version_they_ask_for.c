/* What is linked with a later GNU C library asks for free_sized of version GLIBC_2.43, and for
 * malloc of GLIBC_2.2.5. */
#include "expect.h"

void free_sized(void *block, size_t bytes) __attribute__((weak));
void free_aligned_sized(void *block, size_t alignment, size_t bytes) __attribute__((weak));

static void expect_ours(void *function, const void *base)
{
    Dl_info its;
    EXPECT(function != NULL && dladdr(function, &its) != 0 && its.dli_fbase == base);
}

int main(void)
{
    require_tinyalloc();
    Dl_info ours;
    EXPECT(dladdr(symbol("ta_stats"), &ours) != 0);
    void *const called[] = {
        (void *)malloc, (void *)calloc, (void *)realloc, (void *)free, (void *)aligned_alloc, (void *)posix_memalign,
        (void *)malloc_usable_size, (void *)free_sized, (void *)free_aligned_sized,
    };
    for (size_t i = 0; i < COUNT_OF(called); i++) expect_ours(called[i], ours.dli_fbase);
    free_sized(malloc(100), 100);
    free_aligned_sized(aligned_alloc(64, 128), 64, 128);
}
