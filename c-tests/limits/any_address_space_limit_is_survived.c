/* Down to where the dynamic linker itself gives up. */
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
    EXPECT(starts_confined(argument, RLIMIT_AS, 1024 * MIB));
    EXPECT(starts_confined(argument, RLIMIT_AS, 32 * MIB));
    EXPECT(starts_confined(argument, RLIMIT_AS, 16 * MIB));
    for (size_t bytes = 15 * MIB; bytes >= MIB; bytes -= 256 * KIB)
        if (!starts_confined(argument, RLIMIT_AS, bytes)) break;
}
