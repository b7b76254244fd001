#include "expect.h"

int main(void)
{
    errno = ERRNO_UNTOUCHED;
    EXPECT(reallocarray(malloc(10), 0, 8) == NULL);
    EXPECT(errno == ERRNO_UNTOUCHED);
    EXPECT(reallocarray(malloc(10), 8, 0) == NULL);
    EXPECT(errno == ERRNO_UNTOUCHED);
}
