/* What the process's malloc answers where its behaviour is a choice, or has changed: lines of a
 * question, a tab, and the answer. scripts/glibc-answers runs it with several C libraries. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNTOUCHED = 4711, MANY = 40, MIB = 1 << 20 };

static const size_t HUGE = PTRDIFF_MAX;
/* The compiler is not to know what is asked for. */
static volatile size_t zero;

static void answer(const char *question, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("%s\t%s\n", question, text);
}

static const char *error(int number)
{
    return number == UNTOUCHED ? "errno kept" : number ? strerrorname_np(number) : "0";
}

/* A block or none, its alignment if it was asked for one, and errno. */
static void block(const char *question, void *given, size_t alignment)
{
    int was = errno;
    if (!given) answer(question, "NULL, %s", error(was));
    else if (alignment) answer(question, "a block%s, %s", (uintptr_t)given % alignment ? " that is not aligned so" : "", error(was));
    else answer(question, "a block, %s", error(was));
    free(given);
    errno = UNTOUCHED;
}

static void sizes(void)
{
    static const size_t ASKED[] = {0, 24, 25, 100, 1000, 5000, 100000, MIB};
    for (size_t i = 0; i < sizeof ASKED / sizeof ASKED[0]; i++) {
        char question[64];
        void *given = malloc(ASKED[i]);
        snprintf(question, sizeof question, "`malloc_usable_size` of %zu", ASKED[i]);
        answer(question, "%zu", malloc_usable_size(given));
        free(given);
    }
    uintptr_t bits = 0;
    for (size_t bytes = 1; bytes < 4096; bytes++) bits |= (uintptr_t)malloc(bytes);
    answer("least alignment", "%zu", (size_t)(bits & -bits));
}

static void impossible_requests(void)
{
    errno = UNTOUCHED;
    block("`malloc(PTRDIFF_MAX)`", malloc(HUGE + zero), 0);
    block("`malloc(SIZE_MAX)`", malloc(SIZE_MAX - zero), 0);
    block("`calloc` of a product that overflows", calloc((size_t)1 << 62, 8 + zero), 0);
    block("`reallocarray` of a product that overflows", reallocarray(NULL, (size_t)1 << 62, 8 + zero), 0);
    void *kept = malloc(100);
    block("`realloc(p, PTRDIFF_MAX)`", realloc(kept, HUGE + zero), 0);
    free(kept);
}

static void nothing(void)
{
    errno = UNTOUCHED;
    block("`malloc(0)`", malloc(zero), 0);
    block("`realloc(NULL, 0)`", realloc(NULL, zero), 0);
    block("`realloc(p, 0)`", realloc(malloc(100), zero), 0);
    block("`reallocarray(p, 0, 8)`", reallocarray(malloc(100), zero, 8), 0);
}

static void *by_posix(size_t alignment, size_t bytes, int *returned)
{
    void *given = NULL;
    errno = UNTOUCHED;
    *returned = posix_memalign(&given, alignment, bytes);
    return given;
}

static void posix(const char *question, size_t alignment, size_t bytes)
{
    int returned;
    void *given = by_posix(alignment, bytes, &returned);
    answer(question, "%s, %s", returned ? strerrorname_np(returned) : "a block", error(errno));
    free(given);
}

static void alignments(void)
{
    errno = UNTOUCHED;
    block("`aligned_alloc(24, 48)`", aligned_alloc(24 + zero, 48), 0);
    block("`aligned_alloc(0, 8)`", aligned_alloc(zero, 8), 0);
    block("`aligned_alloc(64, 65)`", aligned_alloc(64 + zero, 65), 64);
    block("`aligned_alloc(SIZE_MAX / 2 + 1, 1)`", aligned_alloc(SIZE_MAX / 2 + 1 + zero, 1), 0);
    block("`memalign(24, 100)`", memalign(24 + zero, 100), 32);
    block("`memalign(0, 100)`", memalign(zero, 100), 0);
    block("`memalign(SIZE_MAX / 2 + 2, 1)`", memalign(SIZE_MAX / 2 + 2 + zero, 1), 0);
    block("`pvalloc(0)`", pvalloc(zero), 4096);
    posix("`posix_memalign` of alignment 0", 0, 100);
    posix("`posix_memalign` of alignment 4", 4, 100);
    posix("`posix_memalign` of alignment 24", 24, 100);
    posix("`posix_memalign` of PTRDIFF_MAX bytes", 64, HUGE);
    void *page = pvalloc(1);
    answer("`malloc_usable_size` of `pvalloc(1)`", "%s", malloc_usable_size(page) < 4096 ? "less than a page" : "a page or more");
    free(page);
}

static void keeping_errno(void)
{
    void *small = malloc(100), *large = malloc(64 * MIB);
    errno = UNTOUCHED;
    free(small);
    free(large);
    free(NULL);
    answer("`free`", "%s", error(errno));
    free(malloc(100));
    free(malloc(64 * MIB));
    answer("`malloc` that succeeds", "%s", error(errno));
}

static void tuning(void)
{
    static const struct { const char *name; int parameter, value; } ASKED[] = {
        {"M_MXFAST, 64", M_MXFAST, 64}, {"M_MXFAST, 161", M_MXFAST, 161}, {"M_MXFAST, -1", M_MXFAST, -1},
        {"M_TRIM_THRESHOLD, 0", M_TRIM_THRESHOLD, 0}, {"M_TOP_PAD, 0", M_TOP_PAD, 0},
        {"M_MMAP_THRESHOLD, 1 << 20", M_MMAP_THRESHOLD, MIB}, {"M_MMAP_THRESHOLD, 1 << 26", M_MMAP_THRESHOLD, 64 * MIB},
        {"M_MMAP_MAX, 0", M_MMAP_MAX, 0}, {"M_CHECK_ACTION, 3", M_CHECK_ACTION, 3}, {"M_PERTURB, 85", M_PERTURB, 85},
        {"M_PERTURB, 0", M_PERTURB, 0}, {"M_ARENA_TEST, 2", M_ARENA_TEST, 2}, {"M_ARENA_TEST, 0", M_ARENA_TEST, 0},
        {"M_ARENA_MAX, 2", M_ARENA_MAX, 2}, {"M_ARENA_MAX, 0", M_ARENA_MAX, 0}, {"12345, 1", 12345, 1},
    };
    for (size_t i = 0; i < sizeof ASKED / sizeof ASKED[0]; i++) {
        char question[64];
        snprintf(question, sizeof question, "`mallopt(%s)`", ASKED[i].name);
        answer(question, "%d", mallopt(ASKED[i].parameter, ASKED[i].value));
    }
}

struct counted { size_t in_use, in_fast_bins; };

/* Of MANY blocks that were freed; the one after them stays. */
static struct counted still_counted(size_t bytes)
{
    void *blocks[MANY];
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < MANY; i++) blocks[i] = malloc(bytes);
    void *neighbour = malloc(bytes);
    size_t each = (mallinfo2().uordblks - before) / (MANY + 1);
    for (int i = 0; i < MANY; i++) free(blocks[i]);
    struct mallinfo2 now = mallinfo2();
    free(neighbour);
    return (struct counted) { (now.uordblks - before) / each - 1, now.smblks };
}

static void counts(void)
{
    answer("of 40 freed blocks of 40 bytes, `mallinfo2` counts in fast bins", "%zu", still_counted(40).in_fast_bins);
    answer("of 40 freed blocks of 600 bytes, `mallinfo2` counts as in use", "%zu", still_counted(600).in_use);
    answer("of 40 freed blocks of 5,000 bytes, `mallinfo2` counts as in use", "%zu", still_counted(5000).in_use);
}

static void trimming(void)
{
    void *blocks[1000];
    for (int i = 0; i < 1000; i++) blocks[i] = malloc(50000);
    for (int i = 0; i < 1000; i++) memset(blocks[i], 1, 50000);
    for (int i = 0; i < 1000; i++) free(blocks[i]);
    answer("`malloc_trim(0)` after 50 MB were freed", "%d", malloc_trim(0));
    answer("`malloc_trim(0)` once more", "%d", malloc_trim(0));
}

static void description(void)
{
    char text[65536] = "";
    FILE *into = fmemopen(text, sizeof text, "w");
    errno = UNTOUCHED;
    int returned = malloc_info(1, into);
    answer("`malloc_info` with option 1", "%d, %s", returned, error(errno));
    malloc_info(0, into);
    fclose(into);
    char *first = strtok(text, "\n");
    answer("`malloc_info` begins with", "`%s`", first ? first : "");
}

static void order(void)
{
    static const size_t ASKED[] = {40, 600, 5000};
    for (size_t i = 0; i < sizeof ASKED / sizeof ASKED[0]; i++) {
        char question[64];
        uintptr_t first = (uintptr_t)malloc(ASKED[i]), second = (uintptr_t)malloc(ASKED[i]);
        free((void *)first);
        uintptr_t next = (uintptr_t)malloc(ASKED[i]);
        snprintf(question, sizeof question, "next `malloc(%zu)` after a `free`", ASKED[i]);
        answer(question, "%s", next == first ? "the same block" : "another block");
        free((void *)next);
        free((void *)second);
    }
}

typedef void release_sized(void *, size_t);
typedef void release_aligned(void *, size_t, size_t);

static release_sized *free_sized_there;
static release_aligned *free_aligned_sized_there;

static void sized_right(void) { free_sized_there(malloc(100), 100); }
static void sized_null(void) { free_sized_there(NULL, 100); }
static void sized_wrong(void) { free_sized_there(malloc(100), 3000); }
static void sized_beyond(void) { free_sized_there(malloc(100), SIZE_MAX - 8); }
static void aligned_right(void) { free_aligned_sized_there(aligned_alloc(64, 128), 64, 128); }
static void aligned_wrong(void) { free_aligned_sized_there(aligned_alloc(64, 128), 4096, 128); }
static void aligned_odd(void) { free_aligned_sized_there(aligned_alloc(64, 128), 24, 128); }

static void twice(size_t bytes)
{
    void *volatile given = malloc(bytes), *neighbour = malloc(bytes);
    (void)neighbour;
    free(given);
    free(given);
}

static void twice_small(void) { twice(24); }
static void twice_medium(void) { twice(2000); }
static void twice_large(void) { twice(100000); }
static void twice_huge(void) { twice(4 * MIB); }

static void twice_with_another_between(void)
{
    void *volatile first = malloc(24), *second = malloc(24);
    free(first);
    free(second);
    free(first);
}

static void twice_beyond_the_threads_cache(void)
{
    void *volatile blocks[MANY];
    for (int i = 0; i < MANY; i++) blocks[i] = malloc(24);
    for (int i = 0; i < MANY; i++) free(blocks[i]);
    free(blocks[MANY - 1]);
}

static void of_the_stack(void)
{
    char here[256] = "";
    free((void *)(((uintptr_t)here + 64) & -(uintptr_t)32));
}

static void into_a_block(void) { free((char *)calloc(1, 1000) + 16); }
static void misaligned(void) { free((char *)calloc(1, 1000) + 1); }

static void after_an_overrun(void)
{
    char *volatile first = malloc(2024), *second = malloc(2024);
    memset(first, 'x', malloc_usable_size(first) + 8);
    free(second);
}

static void reading_what_was_freed(void)
{
    uintptr_t *volatile freed = malloc(24), *other = malloc(24);
    free(other);
    free(freed);
    freed[0] = 0x4141414141414140;
    free(malloc(24));
    malloc(24);
    void *wild = malloc(24);
    if (wild) memset(wild, 0, 24);
}

static void *thread_twice(void *given)
{
    free(given);
    return NULL;
}

static void twice_in_two_threads(void)
{
    void *given = malloc(24);
    pthread_t thread;
    pthread_create(&thread, NULL, thread_twice, given);
    pthread_join(thread, NULL);
    free(given);
}

/* How a child ends that does this: with its first line on standard error. */
static void mistake(const char *question, void (*make)(void))
{
    int ends[2];
    char text[512] = "";
    fflush(stdout);
    if (pipe(ends) != 0) return;
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        make();
        _exit(0);
    }
    close(ends[1]);
    for (size_t length = 0, more; length < sizeof text - 1; length += more)
        if ((more = read(ends[0], text + length, sizeof text - 1 - length)) + 1 <= 1) break;
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    text[strcspn(text, "\n")] = '\0';
    if (WIFSIGNALED(status)) answer(question, "SIG%s%s%s", sigabbrev_np(WTERMSIG(status)), *text ? ": " : "", text);
    else answer(question, "goes on%s%s", *text ? ": " : "", text);
}

static void sized_frees(void)
{
    free_sized_there = (release_sized *)dlsym(RTLD_DEFAULT, "free_sized");
    free_aligned_sized_there = (release_aligned *)dlsym(RTLD_DEFAULT, "free_aligned_sized");
    static const struct { const char *question; void (*make)(void); } ASKED[] = {
        {"`free_sized(p, the size)`", sized_right}, {"`free_sized(NULL, 100)`", sized_null}, {"`free_sized(p, 3000)` of 100", sized_wrong},
        {"`free_sized(p, SIZE_MAX - 8)`", sized_beyond}, {"`free_aligned_sized(p, the alignment, the size)`", aligned_right},
        {"`free_aligned_sized(p, 4096, 128)` of alignment 64", aligned_wrong}, {"`free_aligned_sized(p, 24, 128)`", aligned_odd},
    };
    for (size_t i = 0; i < sizeof ASKED / sizeof ASKED[0]; i++) {
        if (free_sized_there) mistake(ASKED[i].question, ASKED[i].make);
        else answer(ASKED[i].question, "not there");
    }
    answer("`memalignment`", "%s", dlsym(RTLD_DEFAULT, "memalignment") ? "there" : "not there");
}

static void mistakes(void)
{
    mistake("double free of 24 bytes", twice_small);
    mistake("double free of 24 bytes, another free between", twice_with_another_between);
    mistake("double free of 24 bytes, beyond the thread's cache", twice_beyond_the_threads_cache);
    mistake("double free of 24 bytes, in two threads", twice_in_two_threads);
    mistake("double free of 2,000 bytes", twice_medium);
    mistake("double free of 100,000 bytes", twice_large);
    mistake("double free of 4 MiB", twice_huge);
    mistake("`free` of the stack", of_the_stack);
    mistake("`free(p + 16)`", into_a_block);
    mistake("`free(p + 1)`", misaligned);
    mistake("`free` after a neighbour's overrun", after_an_overrun);
    mistake("write after `free`, then three blocks", reading_what_was_freed);
}

/* What the environment sets for the platform's malloc is read when a program starts. */
static void with(const char *name, const char *value, const char *question)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setenv(name, value, 1);
        execl("/proc/self/exe", "answers", question, (char *)NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
}

static const char *const CACHED = "with `glibc.malloc.tcache_max=65536`, of 40 freed blocks of 5,000 bytes in use";

static void again(const char *question)
{
    unsigned char *volatile given = malloc(1000);
    if (strcmp(question, CACHED) == 0) answer(question, "%zu", still_counted(5000).in_use);
    else answer(question, given[500] ? "filled" : "as it came");
}

int main(int count, char **words)
{
    if (count > 1) return again(words[1]), 0;
    setenv("LIBC_FATAL_STDERR_", "1", 1);
    counts();
    with("GLIBC_TUNABLES", "glibc.malloc.tcache_max=65536", CACHED);
    sizes();
    nothing();
    impossible_requests();
    alignments();
    keeping_errno();
    order();
    trimming();
    description();
    sized_frees();
    mistakes();
    with("MALLOC_PERTURB_", "85", "with `MALLOC_PERTURB_=85`, a block is");
    with("GLIBC_TUNABLES", "glibc.malloc.perturb=85", "with `glibc.malloc.perturb=85`, a block is");
    tuning();
    return 0;
}
