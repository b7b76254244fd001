// mlockall without privileges, with a finite RLIMIT_MEMLOCK (PipeWire, chronyd): the kernel
// compares all address space with the limit.
#include "expect.h"

#include <sys/syscall.h>

int main(void)
{
    static void *block[200];
    free(hidden(malloc(10)));
    struct rlimit limit;
    EXPECT(getrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    // Eight mebibytes are what a system allows by default.
    if (limit.rlim_cur < 8 * MIB) skip("very little may be locked");
    if (limit.rlim_cur > 64 * MIB) limit.rlim_cur = 64 * MIB;
    EXPECT(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
    // Of this thread alone, by the system's own call: the C library's would stop all.
    if (getuid() == 0) EXPECT(syscall(SYS_setresuid, 65534, 65534, 65534) == 0);
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        EXPECT(on_tinyalloc());
        say("%zu KiB of address space are more than may be locked\n", address_space_bytes() / KIB);
        return 1;
    }
    for (size_t i = 0; i < COUNT_OF(block); i++) EXPECT((block[i] = malloc(i * 50)) != NULL);
    for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
    return 0;
}
