/* nsjail, firecracker, man-db: memory that cannot be returned stays, and calloc must clear it. */
#include "hard_times.h"
#include "seccomp.h"

int main(void)
{
    REFUSE(EPERM, SYS_madvise);
    EXPECT(hard_times() == 0);
    EXPECT(hard_times() == 0);
}
