#include "confined.h"

int main(int count, char **argument)
{
    if (count == 1) confine(argument, RLIMIT_AS, 64 * MIB);
    EXPECT(exhaust(1000, 96 * MIB) >= 32 * MIB);
    EXPECT(exhaust(3000000, 96 * MIB) >= 24 * MIB);
    hard_times();
}
