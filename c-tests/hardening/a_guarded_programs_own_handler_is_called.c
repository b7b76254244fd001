/* A handler that the program installs itself is called, and may ask what the trap was: us, or the
 * handler that was there before. */
#include "../options/options.h"

static int (*explain)(const void *, int);
static struct sigaction before;

static void handle(int signal_number)
{
    (void)signal_number;
    say("the program's own handler\n");
    _exit(42);
}

static void ask(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number, (void)context;
    errno = ERRNO_UNTOUCHED;
    int local, answers = explain(info->si_addr, STDERR_FILENO) * 10 + explain(&local, STDERR_FILENO) + explain(NULL, STDERR_FILENO);
    _exit(errno == ERRNO_UNTOUCHED ? answers : 1);
}

static void call_the_one_before(int signal_number, siginfo_t *info, void *context)
{
    before.sa_sigaction(signal_number, info, context);
    _exit(43);
}

static void handle_with(void (*handler)(int, siginfo_t *, void *))
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    EXPECT(sigaction(SIGSEGV, &action, &before) == 0);
}

static int use_freed_block(const char *how)
{
    if (strcmp(how, "handled") == 0) signal(SIGSEGV, handle);
    if (strcmp(how, "asked") == 0) handle_with(ask);
    if (strcmp(how, "chained") == 0) handle_with(call_the_one_before);
    char *volatile block = malloc(100);
    free(block);
    return block[0];
}

static void expect_status(const char *how, int status, bool explained)
{
    struct run run = run_with("guard=1", how);
    if (!WIFEXITED(run.status) || WEXITSTATUS(run.status) != status) say("%s: %#x, %s\n", how, run.status, run.output);
    EXPECT(WIFEXITED(run.status) && WEXITSTATUS(run.status) == status);
    EXPECT(output_has_line(run.output, "is 0 bytes inside a freed block of 100 bytes at 0x") == explained);
    EXPECT(output_has_line(run.output, "it was freed by thread 0x") == explained);
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    explain = (int (*)(const void *, int))need("ta_explain_trap");
    if (arguments > 1) return use_freed_block(argument[1]);
    expect_status("handled", 42, false);
    expect_status("asked", 10, true);
    expect_status("chained", 43, true);
    EXPECT(explain(hidden(malloc(10)), STDERR_FILENO) == 0);
}
