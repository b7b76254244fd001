#include "../options/options.h"

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) {
        free(malloc(10));
        kill(getpid(), SIGSEGV);
        return 0;
    }
    struct run run = run_with("guard=1", "again");
    EXPECT(WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGSEGV && run.output[0] == 0);
}
