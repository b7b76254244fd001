#include "options.h"

static int make_mistakes(void)
{
    char on_the_stack[64];
    void *block = malloc(48), *large = malloc(100000), *other = malloc(48);
    memset(other, 7, 48);
    free(block);
    free(hidden(block));
    free(hidden((char *)other + 16));
    free(hidden(on_the_stack));
    free(large);
    free(hidden(large));
    errno = ERRNO_UNTOUCHED;
    EXPECT(realloc(hidden(on_the_stack), 10) == NULL);
    EXPECT(malloc_usable_size(hidden(on_the_stack)) == 0);
    for (int i = 0; i < 48; i++) EXPECT(((char *)other)[i] == 7);
    /* No slot is handed out twice. */
    void *fresh[100];
    for (int i = 0; i < 100; i++) {
        fresh[i] = malloc(48);
        EXPECT(fresh[i] != NULL && fresh[i] != other);
        for (int j = 0; j < i; j++) EXPECT(fresh[i] != fresh[j]);
    }
    for (int i = 0; i < 100; i++) free(fresh[i]);
    return 0;
}

static int lines_in(const char *text)
{
    int lines = 0;
    for (; (text = strchr(text, '\n')); text++) lines++;
    return lines;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return make_mistakes();
    struct run run = run_with("on_error=report", "mistakes");
    EXPECT(succeeded(&run));
    EXPECT(lines_in(run.output) == 6);
    EXPECT(strncmp(run.output, "tinyalloc: double free of 0x", 28) == 0);
    run = run_with("on_error=abort", "mistakes");
    EXPECT(WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGABRT);
    EXPECT(lines_in(run.output) == 1);
}
