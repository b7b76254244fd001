#include "expect.h"
#include "too_large.h"

int main(void)
{
    for (size_t i = 0; i < COUNT_OF(TOO_LARGE); i++) EXPECT_REFUSED(valloc(hidden_size(TOO_LARGE[i])), ENOMEM);
}
