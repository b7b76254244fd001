// plugin: calls_back.c
/* A thread holds the loader's lock, and waits for another one, whose first sampled block that is:
 * neither what remembers its callers nor what prints them may ask for the lock. */
#include "../options/options.h"

static bool uses_it;

/* A guarded block offers what was asked for, and no more. */
static char *sampled_block(void)
{
    for (int i = 0; i < 1000000; i++) {
        char *block = malloc(100);
        if (malloc_usable_size(block) == 100) return block;
    }
    EXPECT(!"no block is guarded");
    return NULL;
}

static void *sample(void *ignored)
{
    char *block = sampled_block();
    free(block);
    if (uses_it) ((volatile char *)hidden(block))[0] = 1;
    return ignored;
}

/* Called by the plugin's constructor. */
void while_loading(void) { run_in_thread(sample, NULL); }

static int open_plugin(const char *plugin)
{
    watchdog(30);
    EXPECT(dlopen(plugin, RTLD_NOW) != NULL);
    return 0;
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    if (getenv("USES_IT")) uses_it = true;
    if (getenv("OPENS_IT")) return open_plugin(argument[1]);
    EXPECT(arguments == 2 && setenv("OPENS_IT", "1", 1) == 0);
    struct run run;
    for (int i = 0; i < 5; i++) {
        run = run_with("guard=300", argument[1]);
        EXPECT(succeeded(&run));
    }
    EXPECT(setenv("USES_IT", "1", 1) == 0);
    run = run_with("guard=300", argument[1]);
    EXPECT(WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGSEGV);
    EXPECT(output_has_line(run.output, "is 0 bytes inside a freed block of 100 bytes at 0x"));
    EXPECT(output_has_line(run.output, "it was freed by thread 0x"));
}
