#include "confined.h"

static size_t data_bytes(void)
{
    char text[8192];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    EXPECT(file >= 0);
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    EXPECT(got > 0);
    text[got] = 0;
    const char *line = strstr(text, "VmData:");
    EXPECT(line != NULL);
    return strtoul(line + 7, NULL, 10) * KIB;
}

/* Linux lets mprotect exceed RLIMIT_DATA when RLIMIT_AS is full as well: some address space is
 * left. */
int main(void)
{
    struct rlimit space, data;
    EXPECT(getrlimit(RLIMIT_AS, &space) == 0 && getrlimit(RLIMIT_DATA, &data) == 0);
    for (int round = 0; round < 5; round++) {
        struct rlimit tight_space = {address_space_bytes() + 64 * MIB, space.rlim_max}, tight_data = {data_bytes(), data.rlim_max};
        EXPECT(setrlimit(RLIMIT_AS, &tight_space) == 0 && setrlimit(RLIMIT_DATA, &tight_data) == 0);
        EXPECT(exhaust(1000, 512 * MIB) < 512 * MIB);
        EXPECT(hard_times() > 0);
        EXPECT(setrlimit(RLIMIT_AS, &space) == 0 && setrlimit(RLIMIT_DATA, &data) == 0);
        EXPECT(hard_times() == 0);
    }
}
