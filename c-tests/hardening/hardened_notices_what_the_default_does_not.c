#include "../options/options.h"

static void use_slots(size_t bytes)
{
    static void *block[4000];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4000; i++) block[i] = malloc(bytes);
        for (int i = 0; i < 4000; i++) free(block[i]);
    }
}

static int mistake(const char *which)
{
    char *volatile block = malloc(100);
    size_t usable = malloc_usable_size(block);
    memset(block, 1, usable);
    if (strcmp(which, "one byte beyond") == 0) {
        block[usable] ^= 'x';
        free(block);
    } else if (strcmp(which, "write after free") == 0) {
        free(block);
        block[50] ^= 'x';
        use_slots(100);
    } else if (strcmp(which, "double free, much later") == 0) {
        free(block);
        use_slots(200);
        free(block);
    } else if (strcmp(which, "large use after free") == 0) {
        block = malloc(MIB);
        free(block);
        return block[5000];
    } else if (strcmp(which, "beyond a huge block") == 0) {
        block = realloc(malloc(40 * MIB), 64 * MIB);
        ((char *)block)[hidden_size(malloc_usable_size(block))] ^= 'x';
    } else if (strcmp(which, "freed contents") == 0) {
        free(block);
        EXPECT(is_zero(block + 16, usable - 16));
    } else {
        free(block);
        use_slots(100);
    }
    return 0;
}

static void expect_end(const char *which, int signal_number, const char *line)
{
    struct run run = run_with("hardened=on", which);
    if (signal_number == 0) {
        EXPECT(succeeded(&run) && run.output[0] == 0);
        return;
    }
    EXPECT(WIFSIGNALED(run.status) && WTERMSIG(run.status) == signal_number);
    if (line && !output_has_line(run.output, line)) say("%s: no \"%s\" in: %s\n", which, line, run.output);
    EXPECT(!line || output_has_line(run.output, line));
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    if (arguments > 1) return mistake(argument[1]);
    expect_end("nothing", 0, NULL);
    expect_end("freed contents", 0, NULL);
    expect_end("one byte beyond", SIGABRT, "overflow of 0x");
    expect_end("write after free", SIGABRT, "write to freed memory at 0x");
    expect_end("double free, much later", SIGABRT, "double free of 0x");
    /* Larger pages have parts of several blocks. */
    if (sysconf(_SC_PAGESIZE) <= 16 * 1024) expect_end("large use after free", SIGSEGV, NULL);
    expect_end("beyond a huge block", SIGSEGV, NULL);
}
