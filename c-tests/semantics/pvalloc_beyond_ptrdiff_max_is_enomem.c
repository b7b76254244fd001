/* Rounding SIZE_MAX up to a page wraps to 0: four allocators then succeed. */
#include "expect.h"
#include "too_large.h"

int main(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < COUNT_OF(TOO_LARGE); i++) EXPECT_REFUSED(pvalloc(hidden_size(TOO_LARGE[i])), ENOMEM);
    EXPECT_REFUSED(pvalloc(hidden_size(0 - page)), ENOMEM);
    EXPECT_REFUSED(pvalloc(hidden_size(1 - page)), ENOMEM);
    EXPECT_REFUSED(pvalloc(hidden_size((size_t)PTRDIFF_MAX)), ENOMEM);
}
