/* The dynamic linker allocates before the C library knows the environment. */
#include "options.h"

int main(int arguments, char **argument)
{
    require_tinyalloc();
    free(hidden(malloc(1)));
    if (arguments > 1) {
        EXPECT(stats().reserved == strtoul(argument[1], NULL, 10));
        return 0;
    }
    if (address_space_bytes() < stats().reserved) skip("address space is limited");
    struct run run = run_with("region_size=64M", "67108864");
    EXPECT(succeeded(&run));
    run = run_with("region_size=1G", "1073741824");
    EXPECT(succeeded(&run));
}
