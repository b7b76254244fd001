#include "options.h"

static const char *file_text(const char *path)
{
    static char text[64 * 1024];
    int file = open(path, O_RDONLY);
    if (file < 0) say("%s is missing\n", path);
    EXPECT(file >= 0);
    text[read_all(file, text, sizeof text - 1)] = 0;
    close(file);
    return text;
}

static bool is_whole(const char *text, const char *begin, const char *end)
{
    size_t bytes = strlen(text);
    return strncmp(text, begin, strlen(begin)) == 0 && bytes > strlen(end) && strcmp(text + bytes - strlen(end), end) == 0;
}

int main(int arguments, char **argument)
{
    char path[64];
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) {
        free(hidden(malloc(100)));
        return 0;
    }
    struct run run = run_with("stats_at_exit=text", "exit");
    EXPECT(succeeded(&run));
    EXPECT(is_whole(run.output, "tinyalloc 0.", "\n") && strstr(run.output, "\nallocated  "));
    run = run_with("stats_at_exit=json", "exit");
    EXPECT(is_whole(run.output, "{\"tinyalloc\":{\"version\":\"0.", "}]}}\n"));
    run = run_with("stats_at_exit=prometheus", "exit");
    EXPECT(is_whole(run.output, "# HELP tinyalloc_allocated_bytes", "\n"));
    run = run_with("stats_at_exit=json,stats_file=one.json", "exit");
    EXPECT(run.output[0] == 0);
    EXPECT(is_whole(file_text("one.json"), "{\"tinyalloc\":", "}]}}\n"));
    /* A file that cannot be opened: better on standard error than nowhere. */
    run = run_with("stats_at_exit=json,stats_file=no/such/folder", "exit");
    EXPECT(is_whole(run.output, "{\"tinyalloc\":", "}]}}\n"));
    run = run_with("stats_at_exit=json,stats_file=heap.%p.%.json", "exit");
    EXPECT(run.output[0] == 0);
    run = run_with("stats_at_exit=off,stats_file=never", "exit");
    EXPECT(run.output[0] == 0 && access("never", F_OK) != 0);
    EXPECT(system("ls heap.[0-9]*.%.json > list") == 0);
    snprintf(path, sizeof path, "%.60s", file_text("list"));
    path[strcspn(path, "\n")] = 0;
    EXPECT(is_whole(file_text(path), "{\"tinyalloc\":", "}]}}\n"));
}
