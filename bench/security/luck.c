/* What somebody who exploits a mistake would like to know beforehand. */
#define _GNU_SOURCE 1
#include "mistake.h"

#include <stdbool.h>
#include <stdio.h>

enum { BLOCKS = 100000, OTHER_SMALL = 400, ALIKE = 16, SOON = 16 };

static void *block[BLOCKS];

static void first_address(void) { end_with((uintptr_t)malloc(SMALL)); }
static void distance_to_libc(void) { end_with((uintptr_t)malloc(SMALL) - (uintptr_t)&fputs); }

static void distance_of_two(void)
{
    uintptr_t first = (uintptr_t)malloc(SMALL);
    end_with((uintptr_t)malloc(SMALL) - first);
}

static void distance_of_classes(void)
{
    uintptr_t first = (uintptr_t)malloc(SMALL);
    end_with((uintptr_t)malloc(OTHER_SMALL) - first);
}

static void distance_of_large(void)
{
    uintptr_t first = (uintptr_t)malloc(LARGE);
    end_with((uintptr_t)malloc(LARGE) - first);
}

static void order_of_many(void)
{
    uintptr_t sum = 0;
    for (int i = 0; i < ALIKE; i++) block[i] = malloc(SMALL);
    for (int i = 0; i < ALIKE; i++) sum = sum * 31 + ((uintptr_t)block[i] - (uintptr_t)block[0]);
    end_with(sum);
}

static void reused_within(int allocations)
{
    bool is_reused = false;
    char *freed = surrounded_block(SMALL);
    size_t usable = malloc_usable_size(freed);
    free(freed);
    for (int i = 0; i < allocations; i++) is_reused = malloc(usable) == freed || is_reused;
    end(is_reused ? HARM : NO_HARM);
}

static void reused_at_once(void) { reused_within(1); }
static void reused_soon(void) { reused_within(SOON); }

static int by_address(const void *left, const void *right)
{
    const char *a = *(char *const *)left, *b = *(char *const *)right;
    return (a > b) - (a < b);
}

static bool was_a_block(const char *address)
{
    size_t low = 0, high = BLOCKS;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if ((char *)block[middle] <= address) low = middle;
        else high = middle;
    }
    return address >= (char *)block[low] && address < (char *)block[low] + SMALL;
}

/* An object of one kind then lies where a dangling pointer believes one of another kind to be. */
static void other_class(void)
{
    bool is_reused = false;
    for (int i = 0; i < BLOCKS; i++) block[i] = malloc(SMALL);
    qsort(block, BLOCKS, sizeof block[0], by_address);
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    for (int i = 0; i < BLOCKS; i++) is_reused = was_a_block(malloc(OTHER_SMALL)) || is_reused;
    end(is_reused ? HARM : NO_HARM);
}

static const struct mistake MISTAKES[] = {
    {"the address of the first block is the same in every run", first_address},
    {"its distance from the C library is the same in every run", distance_to_libc},
    {"the distance of two blocks of a size is", distance_of_two},
    {"the order of 16 blocks of a size is", order_of_many},
    {"the distance of two small blocks of different sizes is", distance_of_classes},
    {"the distance of two large blocks is", distance_of_large},
    {"a freed small block is the next one handed out", reused_at_once},
    {"a freed small block is among the next 16", reused_soon},
    {"memory of freed blocks serves another size", other_class},
};

const struct group LUCK = {"Predictable", MISTAKES, COUNT_OF(MISTAKES)};
