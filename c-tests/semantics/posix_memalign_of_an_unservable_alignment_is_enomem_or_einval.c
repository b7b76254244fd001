#include "expect.h"

int main(void)
{
    void *untouched = &untouched;
    size_t top = hidden_size((size_t)1 << 63);
    int result = posix_memalign(&untouched, top, 8);
    EXPECT(result == ENOMEM || result == EINVAL);
    EXPECT(untouched == &untouched);
    result = posix_memalign(&untouched, top / 2, 8);
    EXPECT(result == ENOMEM || result == EINVAL);
    EXPECT(untouched == &untouched);
}
