#include "expect.h"
#include <new>

static int calls;

static void gives_up_at_the_third()
{
    if (++calls == 3) std::set_new_handler(nullptr);
}

template <typename Call> static void expect_three_calls(Call call)
{
    calls = 0;
    std::set_new_handler(gives_up_at_the_third);
    EXPECT(call() == nullptr);
    EXPECT(calls == 3);
}

int main()
{
    std::size_t bytes = hidden_size(SIZE_MAX / 2 + 1);
    std::align_val_t aligned{64};
    expect_three_calls([=] { return operator new(bytes, std::nothrow); });
    expect_three_calls([=] { return operator new[](bytes, std::nothrow); });
    expect_three_calls([=] { return operator new(bytes, aligned, std::nothrow); });
    expect_three_calls([=] { return operator new[](bytes, aligned, std::nothrow); });
}
