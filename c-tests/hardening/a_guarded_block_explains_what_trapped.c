#include "../options/options.h"

static char *volatile block;

__attribute__((noinline)) static void make(void) { block = malloc(100); }
__attribute__((noinline)) static void drop(void) { free(block); }

static int access_it(const char *how)
{
    make();
    memset(block, 1, 100);
    if (strcmp(how, "overflow") == 0) block[112] = 1;
    if (strcmp(how, "underflow") == 0) return block[-sysconf(_SC_PAGESIZE)];
    drop();
    if (strcmp(how, "read after free") == 0) return block[99];
    if (strcmp(how, "write after free") == 0) block[0] = 1;
    if (strcmp(how, "double free") == 0) drop();
    return 0;
}

static void expect_explained(const char *how, int signal_number, const char *headline, int stacks)
{
    struct run run = run_with("guard=1", how);
    EXPECT(WIFSIGNALED(run.status) && WTERMSIG(run.status) == signal_number);
    if (!output_has_line(run.output, headline)) say("%s: no \"%s\" in: %s\n", how, headline, run.output);
    EXPECT(output_has_line(run.output, headline));
    EXPECT(stacks < 1 || output_has_line(run.output, "it was allocated by thread 0x"));
    EXPECT(stacks < 2 || output_has_line(run.output, "it was freed by thread 0x"));
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    if (arguments > 1) return access_it(argument[1]);
    expect_explained("overflow", SIGSEGV, "behind the end of a block of 100 bytes at 0x", 1);
    expect_explained("underflow", SIGSEGV, "bytes before a block of 100 bytes at 0x", 1);
    expect_explained("read after free", SIGSEGV, "is 99 bytes inside a freed block of 100 bytes at 0x", 2);
    expect_explained("write after free", SIGSEGV, "is 0 bytes inside a freed block of 100 bytes at 0x", 2);
    expect_explained("double free", SIGABRT, "double free of 0x", 0);
    struct run run = run_with("guard=1", "nothing");
    EXPECT(succeeded(&run) && run.output[0] == 0);
}
