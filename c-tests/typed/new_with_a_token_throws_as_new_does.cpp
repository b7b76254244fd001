// modes: linked static
#include "typed.h"

#include <new>

struct sized_block {
    void *start;
    size_t bytes;
};

extern "C" {
void *__alloc_token__Znwm(size_t, size_t);
void *__alloc_token__Znam(size_t, size_t);
void *__alloc_token__ZnwmSt11align_val_t(size_t, size_t, size_t);
void *__alloc_token__ZnwmRKSt9nothrow_t(size_t, const std::nothrow_t &, size_t);
void *__alloc_token__ZnamSt11align_val_tRKSt9nothrow_t(size_t, size_t, const std::nothrow_t &, size_t);
sized_block __alloc_token___size_returning_new(size_t, size_t);
sized_block __alloc_token___size_returning_new_aligned_hot_cold(size_t, size_t, uint8_t, size_t);
}

static int times_called;
static const std::nothrow_t quiet{};
static volatile size_t too_much = PTRDIFF_MAX;

static void handle()
{
    if (++times_called == 3) std::set_new_handler(nullptr);
}

template <typename Call> static void expect_thrown(Call call)
{
    bool is_caught = false;
    times_called = 0;
    std::set_new_handler(handle);
    try {
        call();
    } catch (const std::bad_alloc &) {
        is_caught = true;
    }
    EXPECT(is_caught && times_called == 3);
}

template <typename Call> static void expect_null(Call call)
{
    times_called = 0;
    std::set_new_handler(handle);
    EXPECT(call() == nullptr && times_called == 3);
}

int main(int count, char **)
{
    if (count == 1) {
        expect_again_with("");
        expect_again_with("partitions=2");
        return 0;
    }
    for (size_t token = 0; token < 2; token++) {
        expect_thrown([=] { return __alloc_token__Znwm(too_much, token); });
        expect_thrown([=] { return __alloc_token__Znam(too_much, token); });
        expect_thrown([=] { return __alloc_token__ZnwmSt11align_val_t(too_much, 64, token); });
        expect_thrown([=] { return __alloc_token__ZnwmSt11align_val_t(1, (size_t)1 << 63, token); });
        expect_thrown([=] { return __alloc_token__ZnwmSt11align_val_t(1, (size_t)1 << 57, token); });
        expect_thrown([=] { return __alloc_token___size_returning_new(too_much, token).start; });
        expect_thrown([=] { return __alloc_token___size_returning_new_aligned_hot_cold(too_much, 64, 0, token).start; });
        expect_null([=] { return __alloc_token__ZnwmRKSt9nothrow_t(too_much, quiet, token); });
        expect_null([=] { return __alloc_token__ZnamSt11align_val_tRKSt9nothrow_t(too_much, 64, quiet, token); });
        EXPECT_REFUSED(__alloc_token_malloc(too_much, token), ENOMEM);
        EXPECT_REFUSED(__alloc_token_calloc(too_much, 3, token), ENOMEM);
        EXPECT_REFUSED(__alloc_token_reallocarray(NULL, too_much, 3, token), ENOMEM);
        EXPECT_REFUSED(__alloc_token_aligned_alloc(24, 10, token), EINVAL);
        EXPECT_REFUSED(__alloc_token_pvalloc(SIZE_MAX, token), ENOMEM);
        void *block = NULL;
        EXPECT(__alloc_token_posix_memalign(&block, 24, 10, token) == EINVAL && block == NULL);
        EXPECT(__alloc_token_posix_memalign(&block, 64, too_much, token) == ENOMEM && block == NULL);
        block = __alloc_token_malloc(10, token);
        EXPECT_REFUSED(__alloc_token_realloc(block, too_much, token), ENOMEM);
        EXPECT(__alloc_token_realloc(block, 0, token) == NULL);
    }
}
