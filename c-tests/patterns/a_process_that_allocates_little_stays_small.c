/* `echo` must cost at most half a MiB more than on the system's malloc. */
#include "expect.h"

int main(void)
{
    require_tinyalloc();
    for (size_t i = 0; i < 100; i++) EXPECT(malloc(i * 16) != NULL);
    struct ta_stats now = stats();
    EXPECT(now.committed <= 4 * MIB);
    EXPECT(rollup_bytes("\nAnonymous:") <= 1536 * KIB);
}
