/* What the tests of heaps share. */
#ifndef HEAP_TEST_H
#define HEAP_TEST_H

#include <tinyalloc.h>

#include "expect.h"

UNUSED static ta_heap_t *heap_of(const char *name, size_t limit)
{
    ta_heap_options_t options = {.size = sizeof options, .name = name, .limit = limit};
    ta_heap_t *heap = ta_heap_create(&options);
    EXPECT(heap != NULL);
    return heap;
}

UNUSED static struct ta_stats heap_stats(ta_heap_t *heap)
{
    struct ta_stats now;
    EXPECT(ta_heap_stats(heap, &now, sizeof now) == 0);
    return now;
}

/* Resident memory without the pages of files: how many of a program's own are in memory depends on
 * the page cache. */
UNUSED static size_t private_bytes(void) { return rollup_bytes("\nAnonymous:"); }

#endif
