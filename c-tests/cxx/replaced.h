// Operators of a program's own: each of their blocks comes after a header that only they know.
#ifndef REPLACED_H
#define REPLACED_H

#include "expect.h"
#include <initializer_list>
#include <new>

#ifndef __clang__
#pragma GCC diagnostic ignored "-Wsized-deallocation"
#endif

static unsigned news, deletes;
static bool refuses;

enum : std::size_t { HEADER_BYTES = 64 };

static void *own_new(std::size_t bytes)
{
    news++;
    if (refuses) throw std::bad_alloc();
    char *block = static_cast<char *>(aligned_alloc(HEADER_BYTES, bytes + HEADER_BYTES));
    EXPECT(block != nullptr);
    return hidden(block + HEADER_BYTES);
}

static void own_delete(void *start)
{
    deletes++;
    free(static_cast<char *>(start) - HEADER_BYTES);
}

UNUSED static void expect_counts(unsigned news_expected, unsigned deletes_expected)
{
    if (news != news_expected || deletes != deletes_expected) say("%u news, %u deletes\n", news, deletes);
    EXPECT(news == news_expected && deletes == deletes_expected);
    news = deletes = 0;
}

UNUSED static void check_sizes(const char *value)
{
    if (!on_tinyalloc()) return;
    EXPECT(reinterpret_cast<int (*)(const char *, const char *)>(need("ta_option_set"))("check_sizes", value) == 0);
}

#endif
