/* Locked memory cannot be returned: freed large blocks stay accessible there, and nothing else
 * changes. */
#include "hard_times.h"

static void churn(void)
{
    for (size_t bytes = 40 * KIB; bytes < 6 * MIB; bytes = bytes * 3 / 2) {
        unsigned char *block = malloc(bytes);
        EXPECT(block != NULL);
        memset(block, 0xFF, bytes);
        free(block);
        block = calloc(1, bytes);
        EXPECT(block != NULL);
        EXPECT(is_zero(block, bytes));
        memset(block, 0xFF, bytes);
        free(block);
    }
    hard_times();
}

int main(void)
{
    struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
    (void)setrlimit(RLIMIT_MEMLOCK, &most);
    churn();
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) skip("mlockall is refused");
    churn();
    EXPECT(munlockall() == 0);
    churn();
}
