#include "confined.h"

int main(int count, char **argument)
{
    if (count == 1) confine(argument, RLIMIT_AS, 32 * MIB);
    EXPECT(exhaust(1000, 64 * MIB) >= 16 * MIB);
    EXPECT(exhaust(100, 64 * MIB) >= 14 * MIB);
    EXPECT(exhaust(20000, 64 * MIB) >= 14 * MIB);
    EXPECT(exhaust(200000, 64 * MIB) >= 12 * MIB);
    hard_times();
}
