/* What every mistake of bench/security shares. A mistake is made in a process of its own, and judged from outside: by the signal that
 * ended it, by what it was doing then, and, if it went on, by its exit status. */
#ifndef MISTAKE_H
#define MISTAKE_H

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { SMALL = 100, PAGE = 4096, HARM = 20, NO_HARM = 21, NOT_THERE = 22 };
#define LARGE (256 * KIB)
#define HUGE (64 * MIB)

struct mistake {
    const char *name;
    void (*make)(void);
};

struct group {
    const char *name;
    const struct mistake *mistakes;
    size_t count;
};

extern const struct group BAD_FREES, BAD_SIZES, DOUBLE_FREES, FREED_MEMORY, HEAPS, LUCK, OVERFLOWS;

/* What comes next: a call that may abort, or an access that may trap. */
void calling(void);
void accessing(void);

/* A block that fills its slot, and whose bytes are known. */
char *block_of(size_t bytes);
/* As above, in the midst of live blocks, which nobody may change. */
char *surrounded_block(size_t bytes);
/* Memory that the allocator may never hand out. */
void forbid(const void *start, size_t bytes);
/* Lets the thread end. */
void in_a_thread(void (*does)(void *), void *argument);
/* Goes through many blocks, freed ones and new ones. */
void churn(size_t bytes);

/* The end of a process in which nothing was noticed: allocates and frees on, and tells whether that did harm. */
_Noreturn void go_on(size_t bytes);
_Noreturn void end(int status);
/* Something that should differ from run to run. */
_Noreturn void end_with(uintptr_t value);
/* A function that not every allocator has. */
void *need(const char *name);

#endif
