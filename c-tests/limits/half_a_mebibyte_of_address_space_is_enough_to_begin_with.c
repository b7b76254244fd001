// The first malloc of a process that has almost no address space left.
#include "expect.h"

static size_t served_with(size_t spare_bytes)
{
    int ends[2], status;
    size_t served = 0;
    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        struct rlimit limit = {address_space_bytes() + spare_bytes, RLIM_INFINITY};
        EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
        while (malloc(64) != NULL) served += 64;
        EXPECT(errno == ENOMEM);
        EXPECT(write(ends[1], &served, sizeof served) == sizeof served);
        _exit(0);
    }
    EXPECT(read(ends[0], &served, sizeof served) == sizeof served);
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    return served;
}

int main(void)
{
    for (size_t kib = 512; kib <= 8192; kib *= 2) {
        size_t served = served_with(kib * KIB);
        say("%zu KiB: %zu KiB were served\n", kib, served / KIB);
        EXPECT(served >= kib * KIB / 2 - 64 * KIB);
    }
    return 0;
}
