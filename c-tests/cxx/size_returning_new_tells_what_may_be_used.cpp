// tcmalloc's names: how often a block is used is a byte of the caller's.
#include "expect.h"
#include <malloc.h>
#include <new>

struct sized_ptr_t {
    void *p;
    std::size_t n;
};

using New = sized_ptr_t (*)(std::size_t);
using NewHotCold = sized_ptr_t (*)(std::size_t, unsigned char);
using NewAligned = sized_ptr_t (*)(std::size_t, std::align_val_t);
using NewAlignedHotCold = sized_ptr_t (*)(std::size_t, std::align_val_t, unsigned char);

static int destroyed, calls;

struct Guard {
    ~Guard() { destroyed++; }
};

static void use(sized_ptr_t got, std::size_t bytes, std::size_t alignment)
{
    EXPECT(got.p && is_aligned(got.p, alignment));
    EXPECT(got.n >= bytes && got.n == malloc_usable_size(got.p));
    memset(got.p, 0xa5, got.n);
}

template <class Allocate>
static void throws(Allocate allocate)
{
    bool caught = false;
    destroyed = 0;
    try {
        Guard guard;
        hidden(allocate(hidden_size(SIZE_MAX)).p);
    } catch (const std::bad_alloc &) {
        caught = true;
    }
    EXPECT(caught && destroyed == 1);
}

static void give_up()
{
    if (++calls == 2) std::set_new_handler(nullptr);
}

int main()
{
    auto plain = reinterpret_cast<New>(need("__size_returning_new"));
    auto hot_cold = reinterpret_cast<NewHotCold>(need("__size_returning_new_hot_cold"));
    auto over = reinterpret_cast<NewAligned>(need("__size_returning_new_aligned"));
    auto over_hot_cold = reinterpret_cast<NewAlignedHotCold>(need("__size_returning_new_aligned_hot_cold"));
    for (std::size_t bytes = 0; bytes < 3 * MIB; bytes = bytes < 3000 ? bytes + 1 : bytes * 9 / 8) {
        sized_ptr_t got = plain(bytes);
        use(got, bytes, 16);
        operator delete(got.p, got.n);
        got = hot_cold(bytes, 255);
        use(got, bytes, 16);
        operator delete(got.p, bytes);
        for (std::size_t alignment = 8; alignment <= 8192; alignment *= 32) {
            std::align_val_t aligned{alignment};
            got = over(bytes, aligned);
            use(got, bytes, alignment);
            operator delete(got.p, got.n, aligned);
            got = over_hot_cold(bytes, aligned, 0);
            use(got, bytes, alignment);
            operator delete(got.p, aligned);
        }
    }
    throws([&](std::size_t bytes) { return plain(bytes); });
    throws([&](std::size_t bytes) { return hot_cold(bytes, 128); });
    throws([&](std::size_t bytes) { return over(bytes, std::align_val_t{64}); });
    throws([&](std::size_t bytes) { return over_hot_cold(bytes, std::align_val_t{64}, 1); });
    std::set_new_handler(give_up);
    throws([&](std::size_t bytes) { return plain(bytes); });
    EXPECT(calls == 2);
}
