#include "expect.h"

int main(void)
{
    EXPECT_REFUSED(memalign(hidden_size(SIZE_MAX), 8), EINVAL);
    EXPECT_REFUSED(memalign(hidden_size(SIZE_MAX / 2 + 2), 8), EINVAL);
}
