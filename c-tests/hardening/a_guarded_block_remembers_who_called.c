/* Frames without frame pointers, in a library, behind a signal, and of a function that aligns its
 * stack. */
#include "../options/options.h"

#include <search.h>
#include <sys/syscall.h>

#define STEP __attribute__((noinline, noclone, optimize("omit-frame-pointer")))

enum { FUNCTION_BYTES_MAX = 1000 };

extern char __executable_start;
static char *volatile block;

STEP static int compare(const void *left, const void *right)
{
    if (!block) block = malloc(100);
    return *(const int *)left - *(const int *)right;
}

STEP static void handle(int signal_number)
{
    int numbers[] = {1, 2, signal_number};
    size_t count = COUNT_OF(numbers);
    hidden(lfind(&signal_number, numbers, &count, sizeof numbers[0], compare));
}

STEP static void *interrupted(void *ignored)
{
    syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
    return hidden(ignored);
}

STEP static void drop(void)
{
    volatile long kept[8] __attribute__((aligned(64)));
    kept[0] = 1;
    free(block + kept[0] - 1);
    hidden((void *)kept);
}

STEP static void drop_below(size_t depth)
{
    char kept[256];
    memset(kept, (int)depth, hidden_size(sizeof kept));
    if (depth == 0)
        drop();
    else
        drop_below(depth - 1);
    hidden(kept);
}

static int make_mistake(void)
{
    signal(SIGUSR1, handle);
    run_in_thread(interrupted, NULL);
    drop_below(2);
    return block[1];
}

/* The line of a caller that lies in a function, at or behind `text`. */
static char *caller_in(char *text, uintptr_t function)
{
    uintptr_t start = function - (uintptr_t)&__executable_start;
    for (char *line = strstr(text, "tinyalloc:     0x"); line; line = strstr(line + 1, "tinyalloc:     0x")) {
        char *offset = strchr(line, '+');
        EXPECT(offset != NULL);
        uintptr_t at = strtoul(offset + 1, NULL, 16);
        bool is_ours = strncmp(offset - strlen(program_invocation_short_name), program_invocation_short_name,
                               strlen(program_invocation_short_name)) == 0;
        if (is_ours && at > start && at < start + FUNCTION_BYTES_MAX) return line;
    }
    return NULL;
}

static void expect_callers(char *text, const uintptr_t *function, size_t count)
{
    EXPECT(text != NULL);
    for (size_t i = 0; i < count; i++) {
        char *line = caller_in(text, function[i]);
        if (!line) say("caller %zu is missing in: %s\n", i, text);
        EXPECT(line != NULL);
        text = line + 1;
    }
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return make_mistake();
    struct run run = run_with("guard=1", "mistake");
    EXPECT(WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGSEGV);
    const uintptr_t makers[] = {(uintptr_t)compare, (uintptr_t)handle, (uintptr_t)interrupted};
    const uintptr_t freers[] = {(uintptr_t)drop, (uintptr_t)drop_below, (uintptr_t)drop_below, (uintptr_t)drop_below,
                                (uintptr_t)make_mistake, (uintptr_t)main};
    char *freed = strstr(run.output, "it was freed");
    EXPECT(freed != NULL);
    expect_callers(freed, freers, COUNT_OF(freers));
    freed[0] = 0;
    expect_callers(run.output, makers, COUNT_OF(makers));
}
