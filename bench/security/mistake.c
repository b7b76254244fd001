#define _GNU_SOURCE 1
#include "mistake.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

enum { NEIGHBOURS = 64, FORBIDDEN = 4, BLOCKS = 4000, ROUNDS = 3, CHURNED_BYTES = 16 << 20 };

struct area {
    const char *start;
    size_t bytes;
};

struct job {
    void (*does)(void *);
    void *argument;
};

static char *neighbour[NEIGHBOURS];
static size_t neighbour_bytes[NEIGHBOURS];
static struct area forbidden[FORBIDDEN];
static size_t areas_forbidden;
static uint64_t *made[BLOCKS];

static void tell(const char *text)
{
    if (write(STDOUT_FILENO, text, strlen(text)) < 0) _exit(1);
}

void calling(void) { tell("c"); }
void accessing(void) { tell("a"); }

_Noreturn void end(int status) { _exit(status); }

_Noreturn void end_with(uintptr_t value)
{
    char text[40];
    snprintf(text, sizeof text, "=%lx", (unsigned long)value);
    tell(text);
    end(NO_HARM);
}

void *need(const char *name)
{
    void *found = dlsym(RTLD_DEFAULT, name);
    if (found == NULL) end(NOT_THERE);
    return found;
}

/* What a block of that size offers, asked only once: a free slot between live ones would make a mistake look worse than it is. */
static size_t usable_bytes(size_t bytes)
{
    static size_t asked, usable;
    if (bytes != asked) {
        char *block = malloc(bytes);
        usable = malloc_usable_size(block);
        asked = bytes;
        free(block);
    }
    return usable;
}

char *block_of(size_t bytes)
{
    size_t usable = usable_bytes(bytes);
    char *block = malloc(usable);
    memset(block, 'b', usable);
    return block;
}

/* In the order of their addresses. */
static int by_address(const void *left, const void *right)
{
    const char *a = *(char *const *)left, *b = *(char *const *)right;
    return (a > b) - (a < b);
}

char *surrounded_block(size_t bytes)
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

void forbid(const void *start, size_t bytes) { forbidden[areas_forbidden++] = (struct area){start, bytes}; }

static void *start(void *argument)
{
    struct job *job = argument;
    job->does(job->argument);
    return NULL;
}

void in_a_thread(void (*does)(void *), void *argument)
{
    struct job job = {does, argument};
    pthread_t thread;
    pthread_create(&thread, NULL, start, &job);
    pthread_join(thread, NULL);
}

static bool is_forbidden(const char *block)
{
    for (size_t i = 0; i < areas_forbidden; i++) {
        if (block >= forbidden[i].start && block < forbidden[i].start + forbidden[i].bytes) return true;
    }
    return false;
}

/* Every block has its number at its start and at its end: two that overlap cannot both keep theirs. */
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

void churn(size_t bytes)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < count_of(bytes); i++) made[i] = malloc(bytes);
        for (size_t i = 0; i < count_of(bytes); i++) free(made[i]);
    }
}

_Noreturn void go_on(size_t bytes)
{
    int status = is_untouched() ? NO_HARM : HARM;
    calling();
    for (int i = 0; i < NEIGHBOURS; i++) free(neighbour[i]);
    for (int round = 0; round < ROUNDS; round++) expect_sound(bytes, count_of(bytes));
    end(status);
}
