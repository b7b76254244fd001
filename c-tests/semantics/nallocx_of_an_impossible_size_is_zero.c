#include "expect.h"
#include "too_large.h"

int main(void)
{
    size_t (*would_give)(size_t, int) = (size_t(*)(size_t, int))need("nallocx");
    for (size_t i = 0; i < COUNT_OF(TOO_LARGE); i++) {
        EXPECT(would_give(TOO_LARGE[i], 0) == 0);
        EXPECT(would_give(TOO_LARGE[i], 12) == 0);
    }
}
