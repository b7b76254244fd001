#include "expect.h"

int main(void)
{
    errno = ERRNO_UNTOUCHED;
    for (int i = 0; i < 1000; i++) free(hidden(NULL));
    EXPECT(errno == ERRNO_UNTOUCHED);
}
