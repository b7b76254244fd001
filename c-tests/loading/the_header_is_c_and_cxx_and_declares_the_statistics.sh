cat > program.c << 'END'
#include "tinyalloc.h"
#include <stddef.h>
#include <stdlib.h>
_Static_assert(sizeof(struct ta_stats) >= 12 * sizeof(size_t), "twelve fields");
_Static_assert(offsetof(struct ta_stats, allocated) == 0, "in order");
_Static_assert(offsetof(struct ta_stats, free_slots) == 4 * sizeof(size_t), "in order");
_Static_assert(offsetof(struct ta_stats, purged_bytes) == 11 * sizeof(size_t), "in order");
int main(void)
{
    struct ta_stats now;
    void *block = malloc(100);
    int result = ta_stats(&now, sizeof now) != 0 || now.committed == 0 || block == NULL;
    free(block);
    return result;
}
END
cat > program.cpp << 'END'
#include "tinyalloc.h"
int main() { struct ta_stats now; return ta_stats(&now, sizeof now); }
END
$CC -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$C_TESTS/../include" program.c "$LIB_A" -lpthread -ldl -o c && ./c || exit 1
$CXX -std=c++11 -Wall -Wextra -Wpedantic -Werror -I "$C_TESTS/../include" program.cpp "$LIB_A" -lpthread -ldl -o cxx && ./cxx
