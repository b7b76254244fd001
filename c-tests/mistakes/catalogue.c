/* The catalogue of mistakes. Without arguments every row is checked with the options that
 * TINYALLOC_OPTIONS sets.
 *     list           the ways with a title: number of the row, kind, title, row, way
 *     check ROW      makes the mistake in every way and compares what becomes of it with what must
 *     make ROW WAY   makes the mistake in this process, which a parent judges */
#include "mistake.h"

#include "double_frees.h"
#include "bad_frees.h"
#include "overflows.h"
#include "freed_memory.h"
#include "wrong_sizes.h"
#include "heap_misuse.h"
#include "predictable.h"

extern const struct mistake *const __start_mistakes[], *const __stop_mistakes[];

struct outcome {
    int status;
    bool was_accessing;
    char output[OUTPUT_BYTES_MAX];
};

static enum options options_in_force(void)
{
    const char *options = getenv("TINYALLOC_OPTIONS");
    if (options == NULL) return DEFAULT;
    return strstr(options, "hardened=on") ? HARDENED : strstr(options, "guard=1") ? GUARDED : DEFAULT;
}

_Noreturn static void make(const struct mistake *mistake, size_t way)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    alarm(20 * patience());
    mistake->make(way);
    go_on();
}

static struct outcome outcome_of(const struct mistake *mistake, size_t way)
{
    static struct outcome outcome;
    char told[64];
    int output[2], phases[2];
    *culprit_shared = NULL;
    EXPECT(pipe(output) == 0 && pipe(phases) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        dup2(output[1], STDERR_FILENO);
        dup2(phases[1], STDOUT_FILENO);
        for (int i = 0; i < 2; i++) EXPECT(close(output[i]) == 0 && close(phases[i]) == 0);
        make(mistake, way);
    }
    close(output[1]);
    close(phases[1]);
    outcome.output[read_all(output[0], outcome.output, sizeof outcome.output - 1)] = 0;
    size_t phases_told = read_all(phases[0], told, sizeof told);
    outcome.was_accessing = phases_told > 0 && told[phases_told - 1] == 'a';
    close(output[0]);
    close(phases[0]);
    EXPECT(waitpid(child, &outcome.status, 0) == child);
    return outcome;
}

/* The message, with the pointer in its hole. */
static const char *wanted_line(const char *message)
{
    static char wanted[256];
    const char *hole = strstr(message, "%p");
    if (hole == NULL) return message;
    snprintf(wanted, sizeof wanted, "%.*s%p%s", (int)(hole - message), message, *culprit_shared, hole + 2);
    return wanted;
}

static bool is_as_expected(struct expectation expected, struct outcome *outcome)
{
    int status = outcome->status, signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    bool is_harmless = WIFEXITED(status) && WEXITSTATUS(status) == NO_HARM;
    bool is_trapped = signal_number == SIGSEGV && outcome->was_accessing;
    bool is_unnoticed = is_harmless || (WIFEXITED(status) && WEXITSTATUS(status) == HARM);
    switch (expected.ending) {
    case ABORT: return signal_number == SIGABRT && output_has_line(outcome->output, wanted_line(expected.message));
    case TRAP: return is_trapped;
    case TRAP_OF_SLICES: return is_trapped || (is_unnoticed && sysconf(_SC_PAGESIZE) > SLICE);
    case HARMLESS: return is_harmless;
    case UNNOTICED: return is_unnoticed;
    default: return true;
    }
}

static const char *described(struct expectation expected)
{
    static const char *const ENDINGS[] = {
        [ABORT] = "SIGABRT and a line \"tinyalloc: ...\" with",
        [TRAP] = "SIGSEGV at the access",
        [TRAP_OF_SLICES] = "SIGSEGV at the access, unless pages are large,",
        [HARMLESS] = "no harm",
        [UNNOTICED] = "no notice",
        [CHANCE] = "anything",
    };
    static char text[400];
    snprintf(text, sizeof text, "%s %s", ENDINGS[expected.ending], expected.message ? wanted_line(expected.message) : "");
    return text;
}

static bool check(const struct mistake *mistake)
{
    struct expectation expected = mistake->expected[options_in_force()];
    for (size_t way = 0; way < (mistake->ways ? mistake->ways : 1); way++) {
        struct outcome outcome = outcome_of(mistake, way);
        int status = outcome.status;
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED) skip(mistake->name);
        if (is_as_expected(expected, &outcome)) continue;
        say("%s, way %zu: expected %s; got %s %d and \"%.200s\"\n", mistake->name, way, described(expected),
            WIFSIGNALED(status) ? "signal" : "exit status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
            outcome.output);
        return false;
    }
    return true;
}

static int check_all(void)
{
    bool is_well = true;
    for (const struct mistake *const *row = __start_mistakes; row < __stop_mistakes; row++) is_well &= check(*row);
    return is_well ? 0 : 1;
}

static const struct mistake *row_named(const char *name)
{
    for (const struct mistake *const *row = __start_mistakes; row < __stop_mistakes; row++) {
        if (strcmp((*row)->name, name) == 0) return *row;
    }
    say("the catalogue has no row %s\n", name);
    _exit(2);
}

static int list(void)
{
    for (const struct mistake *const *row = __start_mistakes; row < __stop_mistakes; row++) {
        for (size_t way = 0; way < TITLES_MAX && (*row)->titles[way]; way++) {
            printf("%d\t%s\t%s\t%s\t%zu\n", (*row)->number, (*row)->kind, (*row)->titles[way], (*row)->name, way);
        }
    }
    return 0;
}

int main(int arguments, char **argument)
{
    const char *command = arguments > 1 ? argument[1] : "";
    if (strcmp(command, "list") == 0) return list();
    static void *unread;
    culprit_shared = &unread;
    if (strcmp(command, "make") == 0) make(row_named(argument[2]), strtoul(argument[3], NULL, 10));
    require_tinyalloc();
    culprit_shared = NULL;
    culprit_prepare();
    return strcmp(command, "check") == 0 ? !check(row_named(argument[2])) : check_all();
}
