#include "confined.h"

int main(int count, char **argument)
{
    if (count > 1) {
        exhaust(1000, 64 * MIB);
        exhaust(70000, 64 * MIB);
        hard_times();
        return 0;
    }
    watchdog(50);
    EXPECT(starts_confined(argument, RLIMIT_DATA, 256 * MIB));
    EXPECT(starts_confined(argument, RLIMIT_DATA, 32 * MIB));
    for (size_t bytes = 16 * MIB; bytes >= 512 * KIB; bytes -= 512 * KIB)
        if (!starts_confined(argument, RLIMIT_DATA, bytes)) break;
}
