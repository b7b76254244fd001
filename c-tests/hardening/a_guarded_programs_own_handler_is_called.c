#include "../options/options.h"

static void handle(int signal_number)
{
    (void)signal_number;
    say("the program's own handler\n");
    _exit(42);
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) {
        signal(SIGSEGV, handle);
        char *volatile block = malloc(100);
        free(block);
        return block[0];
    }
    struct run run = run_with("guard=1", "handled");
    EXPECT(WIFEXITED(run.status) && WEXITSTATUS(run.status) == 42);
}
