// modes: linked static
#include "typed.h"

#include <new>

struct sized_block {
    void *start;
    size_t bytes;
};
static const std::nothrow_t quiet{};

/* The operators with a token in the last place, or in the name. */
#define FORMS(fast, token_type)                                                                                 \
    void *__alloc_token_##fast##_Znwm(size_t token_type);                                                              \
    void *__alloc_token_##fast##_Znam(size_t token_type);                                                              \
    void *__alloc_token_##fast##_ZnwmRKSt9nothrow_t(size_t, const std::nothrow_t & token_type);                        \
    void *__alloc_token_##fast##_ZnamRKSt9nothrow_t(size_t, const std::nothrow_t & token_type);                        \
    void *__alloc_token_##fast##_ZnwmSt11align_val_t(size_t, size_t token_type);                                       \
    void *__alloc_token_##fast##_ZnamSt11align_val_t(size_t, size_t token_type);                                       \
    void *__alloc_token_##fast##_ZnwmSt11align_val_tRKSt9nothrow_t(size_t, size_t, const std::nothrow_t & token_type); \
    void *__alloc_token_##fast##_ZnamSt11align_val_tRKSt9nothrow_t(size_t, size_t, const std::nothrow_t & token_type);
#define HINTED_FORMS(fast, token_type)                                                                                  \
    void *__alloc_token_##fast##_Znwm12__hot_cold_t(size_t, uint8_t token_type);                                       \
    void *__alloc_token_##fast##_Znam12__hot_cold_t(size_t, uint8_t token_type);                                       \
    void *__alloc_token_##fast##_ZnwmRKSt9nothrow_t12__hot_cold_t(size_t, const std::nothrow_t &, uint8_t token_type); \
    void *__alloc_token_##fast##_ZnamRKSt9nothrow_t12__hot_cold_t(size_t, const std::nothrow_t &, uint8_t token_type); \
    void *__alloc_token_##fast##_ZnwmSt11align_val_t12__hot_cold_t(size_t, size_t, uint8_t token_type);                \
    void *__alloc_token_##fast##_ZnamSt11align_val_t12__hot_cold_t(size_t, size_t, uint8_t token_type);                \
    void *__alloc_token_##fast##_ZnwmSt11align_val_tRKSt9nothrow_t12__hot_cold_t(size_t, size_t,                       \
        const std::nothrow_t &, uint8_t token_type);                                                                   \
    void *__alloc_token_##fast##_ZnamSt11align_val_tRKSt9nothrow_t12__hot_cold_t(size_t, size_t,                       \
        const std::nothrow_t &, uint8_t token_type);                                                                   \
    sized_block __alloc_token_##fast##__size_returning_new(size_t token_type);                                         \
    sized_block __alloc_token_##fast##__size_returning_new_aligned(size_t, size_t token_type);                         \
    sized_block __alloc_token_##fast##__size_returning_new_hot_cold(size_t, uint8_t token_type);                       \
    sized_block __alloc_token_##fast##__size_returning_new_aligned_hot_cold(size_t, size_t, uint8_t token_type);
#define FAST_FAMILY(id)                                                                                                \
    void *__alloc_token_##id##_malloc(size_t);                                                                         \
    void *__alloc_token_##id##_calloc(size_t, size_t);                                                                 \
    void *__alloc_token_##id##_realloc(void *, size_t);                                                                \
    void *__alloc_token_##id##_reallocarray(void *, size_t, size_t);                                                   \
    void *__alloc_token_##id##_aligned_alloc(size_t, size_t);                                                          \
    void *__alloc_token_##id##_memalign(size_t, size_t);                                                               \
    int __alloc_token_##id##_posix_memalign(void **, size_t, size_t);                                                  \
    void *__alloc_token_##id##_valloc(size_t);                                                                         \
    void *__alloc_token_##id##_pvalloc(size_t);
#define WITH_TOKEN , size_t
#define WITHOUT
extern "C" {
FORMS(, WITH_TOKEN)
HINTED_FORMS(, WITH_TOKEN)
#define FAST(id) FORMS(id##_, WITHOUT) FAST_FAMILY(id)
FAST(0) FAST(1) FAST(2) FAST(3)
HINTED_FORMS(0_, WITHOUT)
HINTED_FORMS(1_, WITHOUT)
}

static void expect_block(void *block, size_t bytes, size_t align, int owner)
{
    EXPECT(block != NULL);
    EXPECT((uintptr_t)block % align == 0);
    EXPECT(malloc_usable_size(block) >= bytes);
    EXPECT(is_alone(block, owner));
    memset(block, 0xaa, bytes);
    free(block);
}

static void expect_sized(sized_block block, size_t bytes, size_t align, int owner)
{
    EXPECT(block.bytes >= bytes && block.bytes == malloc_usable_size(block.start));
    expect_block(block.start, bytes, align, owner);
}

/* A block by each form: its slices were no other token's. */
#define TRY_OPERATORS(fast, ...)                                                                                        \
    expect_block(__alloc_token_##fast##_Znwm(n __VA_ARGS__), n, 16, owner);                                            \
    expect_block(__alloc_token_##fast##_Znam(n __VA_ARGS__), n, 16, owner);                                            \
    expect_block(__alloc_token_##fast##_ZnwmRKSt9nothrow_t(n, quiet __VA_ARGS__), n, 16, owner);                       \
    expect_block(__alloc_token_##fast##_ZnamRKSt9nothrow_t(n, quiet __VA_ARGS__), n, 16, owner);                       \
    expect_block(__alloc_token_##fast##_ZnwmSt11align_val_t(n, 256 __VA_ARGS__), n, 256, owner);                       \
    expect_block(__alloc_token_##fast##_ZnamSt11align_val_t(n, 256 __VA_ARGS__), n, 256, owner);                       \
    expect_block(__alloc_token_##fast##_ZnwmSt11align_val_tRKSt9nothrow_t(n, 256, quiet __VA_ARGS__), n, 256, owner);  \
    expect_block(__alloc_token_##fast##_ZnamSt11align_val_tRKSt9nothrow_t(n, 256, quiet __VA_ARGS__), n, 256, owner);
#define TRY_HINTED(fast, ...)                                                                                           \
    expect_block(__alloc_token_##fast##_Znwm12__hot_cold_t(n, 255 __VA_ARGS__), n, 16, owner);                         \
    expect_block(__alloc_token_##fast##_Znam12__hot_cold_t(n, 255 __VA_ARGS__), n, 16, owner);                         \
    expect_block(__alloc_token_##fast##_ZnwmRKSt9nothrow_t12__hot_cold_t(n, quiet, 255 __VA_ARGS__), n, 16, owner);    \
    expect_block(__alloc_token_##fast##_ZnamRKSt9nothrow_t12__hot_cold_t(n, quiet, 255 __VA_ARGS__), n, 16, owner);    \
    expect_block(__alloc_token_##fast##_ZnwmSt11align_val_t12__hot_cold_t(n, 256, 1 __VA_ARGS__), n, 256, owner);      \
    expect_block(__alloc_token_##fast##_ZnamSt11align_val_t12__hot_cold_t(n, 256, 1 __VA_ARGS__), n, 256, owner);      \
    expect_block(__alloc_token_##fast##_ZnwmSt11align_val_tRKSt9nothrow_t12__hot_cold_t(n, 256, quiet, 1 __VA_ARGS__), \
        n, 256, owner);                                                                                                \
    expect_block(__alloc_token_##fast##_ZnamSt11align_val_tRKSt9nothrow_t12__hot_cold_t(n, 256, quiet, 1 __VA_ARGS__), \
        n, 256, owner);                                                                                                \
    expect_sized(__alloc_token_##fast##__size_returning_new(n __VA_ARGS__), n, 16, owner);                             \
    expect_sized(__alloc_token_##fast##__size_returning_new_aligned(n, 256 __VA_ARGS__), n, 256, owner);               \
    expect_sized(__alloc_token_##fast##__size_returning_new_hot_cold(n, 7 __VA_ARGS__), n, 16, owner);                 \
    expect_sized(__alloc_token_##fast##__size_returning_new_aligned_hot_cold(n, 256, 7 __VA_ARGS__), n, 256, owner);
#define TRY_FAMILY(fast, ...)                                                                                           \
    {                                                                                                                  \
        void *block = NULL;                                                                                            \
        expect_block(__alloc_token_##fast##malloc(n __VA_ARGS__), n, 16, owner);                                       \
        expect_block(__alloc_token_##fast##aligned_alloc(512, n __VA_ARGS__), n, 512, owner);                          \
        expect_block(__alloc_token_##fast##memalign(500, n __VA_ARGS__), n, 512, owner);                               \
        expect_block(__alloc_token_##fast##valloc(n __VA_ARGS__), n, 4096, owner);                                     \
        expect_block(__alloc_token_##fast##pvalloc(n __VA_ARGS__), n, 4096, owner);                                    \
        EXPECT(__alloc_token_##fast##posix_memalign(&block, 1024, n __VA_ARGS__) == 0);                                \
        expect_block(block, n, 1024, owner);                                                                           \
        char *zeros = (char *)__alloc_token_##fast##calloc(2, n __VA_ARGS__);                                          \
        for (size_t i = 0; i < 2 * n; i++) EXPECT(zeros[i] == 0);                                                      \
        block = __alloc_token_##fast##realloc(zeros, 3 * n __VA_ARGS__);                                               \
        EXPECT(is_alone(block, owner));                                                                                \
        block = __alloc_token_##fast##reallocarray(block, 4, n __VA_ARGS__);                                           \
        expect_block(block, 4 * n, 16, owner);                                                                         \
        expect_block(__alloc_token_##fast##realloc(NULL, n __VA_ARGS__), n, 16, owner);                                \
        expect_block(__alloc_token_##fast##realloc(malloc(n), n __VA_ARGS__), n, 16, owner);                           \
    }
#define TRY(id)                                                                                                         \
    for (size_t n = 1; n < 1000000; n = n * 7 + 3) {                                                                   \
        const int owner = id + 1;                                                                                      \
        TRY_OPERATORS(, , (size_t)id)                                                                                  \
        TRY_HINTED(, , (size_t)id)                                                                                     \
        TRY_FAMILY(, , (size_t)id)                                                                                     \
        void *plain = malloc(n);                                                                                       \
        EXPECT(is_alone(plain, UNTYPED));                                                                              \
        free(plain);                                                                                                   \
    }
#define TRY_FAST(id)                                                                                                    \
    for (size_t n = 1; n < 1000000; n = n * 7 + 3) {                                                                   \
        const int owner = id + 1;                                                                                      \
        TRY_OPERATORS(id##_)                                                                                           \
        TRY_FAMILY(id##_)                                                                                              \
    }
#define TRY_FAST_HINTED(id)                                                                                             \
    for (size_t n = 1; n < 1000000; n = n * 7 + 3) {                                                                   \
        const int owner = id + 1;                                                                                      \
        TRY_HINTED(id##_)                                                                                              \
    }

int main(int count, char **)
{
    if (count == 1) {
        expect_again_with("partitions=8");
        expect_again_with("partitions=8,hardened=on");
        expect_again_with("partitions=8,zero_on_free=on");
        expect_again_with("partitions=8,tokens=8,numa=interleave");
        return 0;
    }
    TRY(0) TRY(1) TRY(2) TRY(3) TRY(4) TRY(5) TRY(6) TRY(7)
    TRY_FAST(0) TRY_FAST(1) TRY_FAST(2) TRY_FAST(3)
    TRY_FAST_HINTED(0)
    TRY_FAST_HINTED(1)
}
