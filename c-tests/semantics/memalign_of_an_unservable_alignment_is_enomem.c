#include "expect.h"

int main(void)
{
    EXPECT_REFUSED(memalign(hidden_size((size_t)1 << 63), 8), ENOMEM);
    EXPECT_REFUSED(memalign(hidden_size((size_t)1 << 62), 8), ENOMEM);
    EXPECT_REFUSED(memalign(hidden_size((size_t)1 << 50), 8), ENOMEM);
    EXPECT_REFUSED(memalign(hidden_size((size_t)1 << 62), hidden_size((size_t)PTRDIFF_MAX)), ENOMEM);
}
