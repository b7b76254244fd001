#include "expect.h"
#include "too_large.h"

int main(void)
{
    for (size_t i = 0; i < COUNT_OF(TOO_LARGE); i++)
        for (size_t alignment = 1; alignment <= 2 * MIB; alignment *= 2)
            EXPECT_REFUSED(memalign(alignment, hidden_size(TOO_LARGE[i])), ENOMEM);
}
