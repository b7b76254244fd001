// The system takes memory back up to the first locked page, and then refuses. What was in the pages
// before it is gone, which is no write to freed memory.
#include "../options/options.h"

enum { BLOCKS = 3000, BYTES = 1000, ROUNDS = 6 };

static int lock_some(void)
{
    static char *block[BLOCKS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            EXPECT((block[i] = malloc(BYTES)) != NULL);
            EXPECT(is_zero(block[i], BYTES));
            memset(block[i], 1, BYTES);
        }
        for (int i = 100; round == 0 && i < BLOCKS; i += 500)
            if (mlock(block[i], BYTES) != 0) skip("memory cannot be locked");
        for (int i = 0; i < BLOCKS; i++) free(block[i]);
        malloc_trim(0);
    }
    return 0;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return lock_some();
    struct run run = run_with("hardened=on", "lock some");
    if (WIFEXITED(run.status) && WEXITSTATUS(run.status) == EXIT_SKIPPED) skip(run.output);
    EXPECT(succeeded(&run) && run.output[0] == 0);
    return 0;
}
