#include "options.h"

static void expect_line(const char *options, const char *line)
{
    struct run run = run_with(options, "check");
    EXPECT(succeeded(&run));
    if (strcmp(run.output, line) != 0) say("%s: expected \"%s\", got \"%s\"\n", options, line, run.output);
    EXPECT(strcmp(run.output, line) == 0);
}

static int check(void)
{
    EXPECT(option_is("purge", "decay"));
    EXPECT(option_is("purge_delay", "400"));
    EXPECT(option_is("limit", "0"));
    EXPECT(option_is("stats_at_exit", "off"));
    return 0;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return check();
    expect_line("", "");
    expect_line(",,", "");
    expect_line("purge_dealy=3", "tinyalloc: TINYALLOC_OPTIONS: no key \"purge_dealy\"; the nearest is purge_delay\n");
    expect_line("stat_file=x", "tinyalloc: TINYALLOC_OPTIONS: no key \"stat_file\"; the nearest is stats_file\n");
    expect_line("purge=soon", "tinyalloc: TINYALLOC_OPTIONS: purge cannot be \"soon\": it is decay, eager or never\n");
    expect_line("purge_delay=-1", "tinyalloc: TINYALLOC_OPTIONS: purge_delay cannot be \"-1\": it is a number of milliseconds\n");
    expect_line("limit", "tinyalloc: TINYALLOC_OPTIONS: limit needs a value: it is bytes, with K, M, G or T if need be, or a percentage, like 90%; 0 for none\n");
    expect_line("stats_at_exit=yaml", "tinyalloc: TINYALLOC_OPTIONS: stats_at_exit cannot be \"yaml\": it is off, text, json or prometheus\n");
    expect_line("\033[1m=\001", "tinyalloc: TINYALLOC_OPTIONS: no key \"?[1m\"; the nearest is numa\n");
    /* One mistake does not keep the others from being said, nor what is right from being done. */
    struct run run = run_with("x=1,on_error=report,limit=lots", "none");
    EXPECT(strncmp(run.output, "tinyalloc: TINYALLOC_OPTIONS: no key \"x\"", 40) == 0);
    EXPECT(strstr(run.output, "\ntinyalloc: TINYALLOC_OPTIONS: limit cannot be \"lots\"") != NULL);
}
