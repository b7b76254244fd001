/* What the rows of the catalogue share. A row is one mistake: its name, how the tables call it,
 * what must become of it, and the code that makes it. A mistake is made in a process of its own and
 * judged from outside: by the signal that ended the process, by what the process was doing then,
 * and, if it went on, by its exit status. */
#ifndef MISTAKE_H
#define MISTAKE_H

#include "expect.h"

enum { SMALL = 100, PAGE = 4096, SLICE = 16384, TITLES_MAX = 5, HARM = 20, NO_HARM = 21, NOT_THERE = 22 };
#define LARGE (256 * KIB)
#define HUGE (64 * MIB)

/* What must become of a mistake. Of a message %p is the pointer that went through culprit(). */
enum ending { ABORT, TRAP, TRAP_OF_SLICES, HARMLESS, UNNOTICED, CHANCE };
struct expectation {
    enum ending ending;
    const char *message;
};
#define ABORTS(text) ((struct expectation){ABORT, text})
#define TRAPS ((struct expectation){TRAP, NULL})
/* Memory traps in slices of 16 KiB: not at all, where pages are larger. */
#define TRAPS_IN_SLICES ((struct expectation){TRAP_OF_SLICES, NULL})
#define IS_HARMLESS ((struct expectation){HARMLESS, NULL})
/* Neither an abort nor a trap; whether it does harm depends on what lies next to it. */
#define IS_NOT_NOTICED ((struct expectation){UNNOTICED, NULL})
/* Anything: it is up to what lies next to the block, in the heap or in the address space. */
#define IS_UP_TO_CHANCE ((struct expectation){CHANCE, NULL})

/* The sets of options in which every row is tried: catalogue.py names what they set. */
enum options { DEFAULT, HARDENED, GUARDED, OPTION_SETS };

struct mistake {
    const char *name, *kind;
    int number;
    void (*make)(size_t way);
    struct expectation expected[OPTION_SETS];
    size_t ways;
    const char *titles[TITLES_MAX];
};

#define ALWAYS(ending) .expected = {ending, ending, ending}
#define BY_OPTIONS(by_default, hardened, guarded) .expected = {by_default, hardened, guarded}
/* The same mistake in so many places. 1 if a row does not say. */
#define WAYS(count) .ways = (count)
/* What the tables call the first ways. Other allocators are asked only about ways with a title. */
#define TITLES(...) .titles = {__VA_ARGS__}

/* A row, followed by the body of the function that makes the mistake. KIND is that of the file. */
#define MISTAKE(row, ...)                                                                                              \
    static void row(size_t way);                                                                                       \
    static const struct mistake row##_row = {                                                                          \
        .name = #row, .kind = KIND, .number = __COUNTER__, .make = row, __VA_ARGS__};                                  \
    static const struct mistake *const row##_entry __attribute__((section("mistakes"), used)) = &row##_row;            \
    static void row(UNUSED size_t way)

enum { NEIGHBOURS = 64, FORBIDDEN = 4, BLOCKS = 4000, ROUNDS = 3, CHURNED_BYTES = 16 << 20 };

struct area {
    const char *start;
    size_t bytes;
};

static char *neighbour[NEIGHBOURS];
static size_t neighbour_bytes[NEIGHBOURS];
static struct area forbidden[FORBIDDEN];
static size_t areas_forbidden;
static uint64_t *made[BLOCKS];
/* What the mistake is about: blocks of this size are allocated and freed after it. */
static size_t concerned_bytes = SMALL;

static void tell(const char *text)
{
    if (write(STDOUT_FILENO, text, strlen(text)) < 0) _exit(1);
}

/* What comes next: a call that may abort, or an access that may trap. */
UNUSED static void calling(void) { tell("c"); }
UNUSED static void accessing(void) { tell("a"); }

_Noreturn UNUSED static void end(int status) { _exit(status); }

/* Something that should differ from run to run. */
_Noreturn UNUSED static void end_with(uintptr_t value)
{
    char text[40];
    snprintf(text, sizeof text, "=%lx", (unsigned long)value);
    tell(text);
    end(NO_HARM);
}

/* A function that not every allocator has. */
UNUSED static void *function(const char *name)
{
    void *found = symbol(name);
    if (found == NULL) end(NOT_THERE);
    return found;
}

/* What a block of that size offers, asked only once: a free slot between live ones would make a
 * mistake look worse than it is. */
static size_t usable_bytes(size_t bytes)
{
    static size_t asked = SIZE_MAX, usable;
    if (bytes != asked) {
        char *block = malloc(bytes);
        usable = malloc_usable_size(block);
        asked = bytes;
        free(block);
    }
    return usable;
}

/* A block that fills its slot, and whose bytes are known. */
static char *block_of(size_t bytes)
{
    size_t usable = usable_bytes(bytes);
    char *block = malloc(usable);
    if (block == NULL) end(HARM);
    memset(block, 'b', usable);
    concerned_bytes = bytes;
    return block;
}

static int by_address(const void *left, const void *right)
{
    const char *a = *(char *const *)left, *b = *(char *const *)right;
    return (a > b) - (a < b);
}

/* As above, in the midst of live blocks, which nothing may change. */
UNUSED static char *surrounded_block(size_t bytes)
{
    for (int i = 0; i < NEIGHBOURS; i++) neighbour[i] = block_of(bytes);
    qsort(neighbour, NEIGHBOURS, sizeof neighbour[0], by_address);
    int chosen = NEIGHBOURS / 2;
    for (int i = 2; i < NEIGHBOURS - 2; i++) {
        if (neighbour[i + 1] - neighbour[i] < neighbour[chosen + 1] - neighbour[chosen]) chosen = i;
    }
    char *block = neighbour[chosen];
    for (int i = 0; i < NEIGHBOURS; i++) neighbour_bytes[i] = malloc_usable_size(neighbour[i]);
    neighbour[chosen] = NULL;
    return block;
}

/* 64 neighbours of a large block would take longer than they are worth. */
UNUSED static char *block_of_any_size(size_t bytes) { return bytes < LARGE ? surrounded_block(bytes) : block_of(bytes); }

/* In the midst of others the first way, alone in its span the others. */
UNUSED static char *small_block(size_t way) { return way == 0 ? surrounded_block(SMALL) : malloc(SMALL - 4); }

/* Memory that the allocator may never hand out. */
UNUSED static void forbid(const void *start, size_t bytes) { forbidden[areas_forbidden++] = (struct area){start, bytes}; }

static bool is_forbidden(const char *block)
{
    for (size_t i = 0; i < areas_forbidden; i++) {
        if (block >= forbidden[i].start && block < forbidden[i].start + forbidden[i].bytes) return true;
    }
    return false;
}

/* Every block has its number at its start and at its end: two that overlap cannot both keep
 * theirs. */
static void expect_sound(size_t bytes, size_t count)
{
    size_t last = bytes / sizeof(uint64_t) - 1;
    for (size_t i = 0; i < count; i++) {
        made[i] = malloc(bytes);
        if (made[i] == NULL) continue;
        if (is_forbidden((char *)made[i])) end(HARM);
        made[i][0] = made[i][last] = i;
    }
    for (size_t i = 0; i < count; i++) {
        if (made[i] && (made[i][0] != i || made[i][last] != i)) end(HARM);
    }
    for (size_t i = 0; i < count; i++) free(made[i]);
}

static bool is_untouched(void)
{
    for (int i = 0; i < NEIGHBOURS; i++) {
        for (size_t at = 0; neighbour[i] && at < neighbour_bytes[i]; at++) {
            if (neighbour[i][at] != 'b') return false;
        }
    }
    return true;
}

static size_t count_of(size_t bytes)
{
    size_t count = CHURNED_BYTES / bytes;
    return count > BLOCKS ? BLOCKS : count < 4 ? 4 : count;
}

/* Goes through many blocks, freed ones and new ones. */
UNUSED static void churn(size_t bytes)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count_of(bytes); i++) made[i] = malloc(bytes);
        for (size_t i = 0; i < count_of(bytes); i++) free(made[i]);
    }
}

/* The end of a process in which nothing was noticed: allocates and frees on, and tells whether that
 * did harm. */
_Noreturn static void go_on(void)
{
    size_t bytes = concerned_bytes < sizeof(uint64_t) ? sizeof(uint64_t) : concerned_bytes;
    int status = is_untouched() ? NO_HARM : HARM;
    calling();
    for (int i = 0; i < NEIGHBOURS; i++) free(neighbour[i]);
    for (int round = 0; round < ROUNDS; round++) expect_sound(bytes, count_of(bytes));
    end(status);
}

UNUSED static void *freed_there(void *block)
{
    free(block);
    return NULL;
}

#endif
