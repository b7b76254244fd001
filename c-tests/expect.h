/* What every C test shares. A test is one promise or one mistake; it exits 0 when the library keeps
 * the promise, 1 with file:line when it does not, and 77 when this machine cannot tell. */
#ifndef EXPECT_H
#define EXPECT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define UNUSED __attribute__((unused))

enum { EXIT_SKIPPED = 77, OUTPUT_BYTES_MAX = 8192, ERRNO_UNTOUCHED = 4711 };

/* The beginning of the library's own statistics, as in include/tinyalloc.h, for tests that do not
 * include it first. */
#ifndef TINYALLOC_H
struct ta_stats {
    size_t allocated, committed, reserved, metadata, free_slots, live_slots, spans, large_blocks, huge_blocks, heaps,
        purges, purged_bytes;
};
#endif

#define EXPECT(condition) ((condition) ? (void)0 : expect_failed(__FILE__, __LINE__, #condition))

/* A request that must be refused: NULL, and errno says why. */
#define EXPECT_REFUSED(call, reason)                                                                                   \
    do {                                                                                                               \
        errno = ERRNO_UNTOUCHED;                                                                                       \
        EXPECT((call) == NULL);                                                                                        \
        EXPECT(errno == (reason));                                                                                     \
    } while (0)

UNUSED static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Never through stdio: its buffers would come from the allocator under test. */
static void say(const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int bytes = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (bytes > (int)sizeof line - 1) bytes = (int)sizeof line - 1;
    if (write(STDERR_FILENO, line, (size_t)bytes) < 0) _exit(1);
}

UNUSED static void expect_failed(const char *file, int line, const char *condition)
{
    int error = errno;
    say("%s:%d: expected %s (errno %d)\n", file, line, condition, error);
    _exit(1);
}

UNUSED static void skip(const char *why)
{
    say("skipped: %s\n", why);
    _exit(EXIT_SKIPPED);
}

UNUSED static void *symbol(const char *name) { return dlsym(RTLD_DEFAULT, name); }

/* A reference in every test: without one the linker would leave the archive's malloc out. */
__attribute__((used)) static void *(*const malloc_is_linked)(size_t) = malloc;

UNUSED static bool on_tinyalloc(void) { return symbol("ta_stats") != NULL; }

/* A test that was meant to run on tinyalloc and does not has failed: a skip would hide it. */
UNUSED static void skip_on_others(const char *why)
{
    const char *mode = getenv("C_TESTS_MODE");
    if (!mode || strcmp(mode, "system") == 0) skip(why);
    say("this test does not run on tinyalloc\n");
    _exit(1);
}

UNUSED static void require_tinyalloc(void)
{
    if (!on_tinyalloc()) skip_on_others("only tinyalloc promises this");
}

/* A symbol the headers of this system may lack: tinyalloc must have it, others may not. */
UNUSED static void *need(const char *name)
{
    void *found = symbol(name);
    if (found) return found;
    if (!on_tinyalloc()) skip_on_others("this malloc lacks the symbol");
    say("expected the symbol %s\n", name);
    _exit(1);
}

UNUSED static struct ta_stats stats(void)
{
    struct ta_stats now;
    memset(&now, 0xEE, sizeof now);
    int (*ask)(struct ta_stats *, size_t) = (int (*)(struct ta_stats *, size_t))symbol("ta_stats");
    if (!ask) skip_on_others("only tinyalloc has ta_stats");
    EXPECT(ask(&now, sizeof now) == 0);
    return now;
}

/* Hides a value from the optimiser, which knows malloc and would fold the mistakes away. */
UNUSED static void *hidden(void *value)
{
    void *volatile kept = value;
    return kept;
}

UNUSED static size_t hidden_size(size_t value)
{
    volatile size_t kept = value;
    return kept;
}

UNUSED static bool is_aligned(const void *at, size_t alignment) { return ((uintptr_t)at & (alignment - 1)) == 0; }

/* Every byte of the first page, then every 509th and the last: enough to see a foreign write, cheap
 * for 64 MiB. */
UNUSED static size_t next_sample(size_t at, size_t bytes)
{
    size_t step = at < 4096 ? 1 : 509;
    return at + 1 < bytes && at + step >= bytes ? bytes - 1 : at + step;
}

UNUSED static unsigned char pattern_byte(size_t at, unsigned seed) { return (unsigned char)(at * 31 + seed * 17 + 1); }

UNUSED static void fill(void *block, size_t bytes, unsigned seed)
{
    for (size_t at = 0; at < bytes; at = next_sample(at, bytes)) ((unsigned char *)block)[at] = pattern_byte(at, seed);
}

/* `bytes` may be less than was filled, as after a shrinking realloc: only samples common to both
 * are compared. */
UNUSED static bool is_filled(const void *block, size_t bytes, unsigned seed)
{
    for (size_t at = 0; at < bytes; at += at < 4096 ? 1 : 509)
        if (((const unsigned char *)block)[at] != pattern_byte(at, seed)) return false;
    return true;
}

UNUSED static bool is_zero(const void *block, size_t bytes)
{
    const unsigned char *byte = (const unsigned char *)block;
    return bytes == 0 || (byte[0] == 0 && memcmp(byte, byte + 1, bytes - 1) == 0);
}

/* An emulator of a processor: what the kernel says of the process is said of the emulator. */
UNUSED static bool is_emulated(void) { return getenv("C_TESTS_EMULATED") != NULL; }

/* How many bytes of a range are in memory. The machine that emulates answers, in its own pages. */
UNUSED static size_t resident_within(size_t start, size_t end)
{
    unsigned char pages[4096];
    size_t page_bytes = 4096, resident = 0;
    while (start < end) {
        size_t part = end - start < sizeof pages * page_bytes ? end - start : sizeof pages * page_bytes;
        if (mincore((void *)start, part, pages) != 0) return resident;
        for (size_t page = 0; page < part / page_bytes; page++) resident += (pages[page] & 1) * page_bytes;
        start += part;
    }
    return resident;
}

/* The mappings of the program itself, for the emulator hides its own: all of them, or what it can
 * write to and has in memory. */
UNUSED static size_t own_bytes(bool resident_only)
{
    char text[4096], rights[8];
    size_t bytes = 0, start, end, kept = 0;
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    EXPECT(file >= 0);
    for (ssize_t got; (got = read(file, text + kept, sizeof text - 1 - kept)) > 0;) {
        char *line = text, *line_end;
        text[kept += (size_t)got] = 0;
        for (; (line_end = strchr(line, '\n')); line = line_end + 1)
            if (sscanf(line, "%zx-%zx %7s", &start, &end, rights) == 3 && (!resident_only || rights[1] == 'w'))
                bytes += resident_only ? resident_within(start, end) : end - start;
        memmove(text, line, kept = (size_t)(text + kept - line));
    }
    close(file);
    return bytes;
}

/* One field of /proc/self/smaps_rollup in bytes, read without allocating. */
UNUSED static size_t rollup_bytes(const char *field)
{
    if (is_emulated()) return own_bytes(true);
    char text[4096];
    int file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    if (file < 0) skip("no /proc/self/smaps_rollup");
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    EXPECT(got > 0);
    text[got] = 0;
    const char *line = strstr(text, field);
    EXPECT(line != NULL);
    return strtoul(line + strlen(field), NULL, 10) * KIB;
}

UNUSED static size_t resident_bytes(void) { return rollup_bytes("\nRss:"); }

UNUSED static size_t address_space_bytes(void)
{
    if (is_emulated()) return own_bytes(false);
    char text[128] = {0};
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0) skip("no /proc/self/statm");
    EXPECT(read(file, text, sizeof text - 1) > 0);
    close(file);
    return strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

UNUSED static void watchdog_barks(int signal_number)
{
    (void)signal_number;
    static const char line[] = "the watchdog barked: a deadlock, or far too slow\n";
    _exit(write(STDERR_FILENO, line, sizeof line - 1) < 0 ? 2 : 1);
}

/* On a slow processor, like valgrind's, everything may take so many times as long. */
UNUSED static unsigned patience(void)
{
    const char *times = getenv("C_TESTS_PATIENCE");
    return times ? (unsigned)strtoul(times, NULL, 10) : 1;
}

UNUSED static void watchdog(unsigned seconds)
{
    signal(SIGALRM, watchdog_barks);
    alarm(seconds * patience());
}

UNUSED static pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, body, argument) == 0);
    return thread;
}

UNUSED static void *join(pthread_t thread)
{
    void *result = NULL;
    EXPECT(pthread_join(thread, &result) == 0);
    return result;
}

UNUSED static void run_in_thread(void *(*body)(void *), void *argument) { join(start(body, argument)); }

/* Runs the promise in a child and expects it to come back with status 0. */
UNUSED static void expect_child_exits_0(pid_t child)
{
    int status = 0;
    EXPECT(child > 0);
    EXPECT(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) say("the child died of signal %d\n", WTERMSIG(status));
    EXPECT(WIFEXITED(status));
    EXPECT(WEXITSTATUS(status) == 0);
}

/* The pointer that the mistake hands to the allocator, told to the parent by shared memory. */
static void **culprit_shared;

UNUSED static void *culprit(void *pointer)
{
    *culprit_shared = pointer;
    return hidden(pointer);
}

UNUSED static void culprit_prepare(void)
{
    if (culprit_shared) return;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EXPECT(page != MAP_FAILED);
    culprit_shared = (void **)page;
}

UNUSED static bool output_has_line(char *output, const char *needle)
{
    for (char *line = output, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        if (!end) return false;
        *end = 0;
        bool found = strncmp(line, "tinyalloc: ", 11) == 0 && strstr(line, needle);
        *end = '\n';
        if (found) return true;
    }
    return false;
}

UNUSED static size_t read_all(int from, char *into, size_t bytes_max)
{
    size_t bytes = 0;
    ssize_t got;
    while (bytes < bytes_max && (got = read(from, into + bytes, bytes_max - bytes)) > 0) bytes += (size_t)got;
    return bytes;
}

/* Forks; the child makes the mistake and must die of SIGABRT after one line on stderr that starts
 * with "tinyalloc: " and contains `needle`, in which %p represents the pointer passed through
 * culprit(). */
#define expect_abort(mistake, needle) expect_abort_at(__FILE__, __LINE__, mistake, needle)

UNUSED static void expect_abort_at(const char *file, int line, void (*mistake)(void), const char *needle)
{
    char output[OUTPUT_BYTES_MAX], wanted[256];
    int ends[2], status = 0;
    culprit_prepare();
    *culprit_shared = NULL;
    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        alarm(20 * patience());
        mistake();
        _exit(3);
    }
    close(ends[1]);
    output[read_all(ends[0], output, sizeof output - 1)] = 0;
    close(ends[0]);
    EXPECT(waitpid(child, &status, 0) == child);
    const char *hole = strstr(needle, "%p");
    if (hole)
        snprintf(wanted, sizeof wanted, "%.*s%p%s", (int)(hole - needle), needle, *culprit_shared, hole + 2);
    else
        snprintf(wanted, sizeof wanted, "%s", needle);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && output_has_line(output, wanted)) return;
    say("%s:%d: expected SIGABRT and a line \"tinyalloc: ... %s\"; got %s %d and \"%s\"\n", file, line, wanted,
        WIFSIGNALED(status) ? "signal" : "exit status", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
        output);
    _exit(1);
}

/* Runs what must die of SIGSEGV in a child. */
UNUSED static void expect_trap(void (*access)(void *), void *at)
{
    int status = 0;
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        access(at);
        _exit(0);
    }
    EXPECT(waitpid(child, &status, 0) == child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

#endif
