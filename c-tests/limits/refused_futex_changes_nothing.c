/* Whether a trap works is asked with futex(2): where the answer is refused, none may stay. */
#include "hard_times.h"
#include "seccomp.h"

int main(void)
{
    REFUSE(EPERM, SYS_futex);
    EXPECT(hard_times() == 0);
    EXPECT(hard_times() == 0);
}
