#include "hard_times.h"
#include "seccomp.h"

int main(void)
{
    free(malloc(100));
    REFUSE(ENOMEM, SYS_mmap);
    hard_times();
    hard_times();
}
