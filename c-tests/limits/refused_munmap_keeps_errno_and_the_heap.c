/* jemalloc#970: munmap may fail at the mapping limit; free has no way to say so and must not touch
 * errno. */
#include "hard_times.h"
#include "seccomp.h"

int main(void)
{
    REFUSE(ENOMEM, SYS_munmap);
    EXPECT(hard_times() == 0);
    EXPECT(hard_times() == 0);
}
