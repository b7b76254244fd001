#include "expect.h"

int main(void)
{
    for (int shift = 48; shift < 63; shift++) {
        EXPECT_REFUSED(malloc(hidden_size((size_t)1 << shift)), ENOMEM);
        EXPECT_REFUSED(calloc(hidden_size((size_t)1 << shift), 1), ENOMEM);
        EXPECT_REFUSED(memalign(4096, hidden_size((size_t)1 << shift)), ENOMEM);
    }
    EXPECT_REFUSED(malloc(hidden_size((size_t)PTRDIFF_MAX)), ENOMEM);
}
