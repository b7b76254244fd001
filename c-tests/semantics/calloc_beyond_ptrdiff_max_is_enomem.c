#include "expect.h"
#include "too_large.h"

int main(void)
{
    for (size_t i = 0; i < COUNT_OF(TOO_LARGE); i++) {
        EXPECT_REFUSED(calloc(hidden_size(TOO_LARGE[i]), 1), ENOMEM);
        EXPECT_REFUSED(calloc(1, hidden_size(TOO_LARGE[i])), ENOMEM);
    }
}
