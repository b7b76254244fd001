#include "hard_times.h"
#include "seccomp.h"

int main(void)
{
    free(malloc(100));
    REFUSE(EPERM, SYS_mprotect);
    hard_times();
    hard_times();
}
