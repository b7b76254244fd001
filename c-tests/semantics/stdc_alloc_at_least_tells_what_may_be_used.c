#define TA_STDC_ALLOC_AT_LEAST
#include "../../include/tinyalloc.h"
#include "expect.h"
#include <errno.h>

static void use(stdc_alloc_result_t got, size_t bytes, size_t alignment)
{
    EXPECT(got.al_ptr && is_aligned(got.al_ptr, alignment));
    EXPECT(got.al_size >= bytes && got.al_size == malloc_usable_size(got.al_ptr));
    memset(got.al_ptr, 0xa5, got.al_size);
}

int main(void)
{
    __typeof__(&stdc_alloc_at_least) at_least = (__typeof__(at_least))need("stdc_alloc_at_least");
    __typeof__(&stdc_aligned_alloc_at_least) aligned = (__typeof__(aligned))need("stdc_aligned_alloc_at_least");
    void (*free_sized)(void *, size_t) = (void (*)(void *, size_t))need("free_sized");
    void (*free_aligned_sized)(void *, size_t, size_t) = (void (*)(void *, size_t, size_t))need("free_aligned_sized");
    for (size_t bytes = 0; bytes < 3 * MIB; bytes = bytes < 3000 ? bytes + 1 : bytes * 9 / 8) {
        stdc_alloc_result_t got = at_least(bytes);
        use(got, bytes, 16);
        free_sized(got.al_ptr, got.al_size);
        for (size_t alignment = 1; alignment <= 8192; alignment *= 8) {
            got = aligned(alignment, bytes);
            use(got, bytes, alignment);
            free_aligned_sized(got.al_ptr, alignment, bytes);
        }
    }
    EXPECT(at_least(33).al_size > 33);
    errno = 0;
    stdc_alloc_result_t none = at_least(hidden_size(SIZE_MAX));
    EXPECT(!none.al_ptr && none.al_size == 0 && errno == ENOMEM);
    errno = 0;
    none = aligned(hidden_size(48), 100);
    EXPECT(!none.al_ptr && none.al_size == 0 && errno == EINVAL);
}
