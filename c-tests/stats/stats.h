/* The whole of the library's statistics; expect.h knows the first twelve fields. */
#ifndef STATS_H
#define STATS_H

#include "expect.h"

struct all_stats {
    struct ta_stats first;
    size_t active, resident, mapped, retained, resident_free, huge, remote_frees;
    size_t mmap_calls, munmap_calls, mprotect_calls, madvise_calls, mremap_calls, futex_calls;
};

enum { TEXT, JSON, PROMETHEUS, XML, FORMATS };

UNUSED static struct all_stats all_stats(void)
{
    struct all_stats now;
    memset(&now, 0xEE, sizeof now);
    int (*ask)(struct all_stats *, size_t) = (int (*)(struct all_stats *, size_t))need("ta_stats");
    EXPECT(ask(&now, sizeof now) == 0);
    EXPECT(now.futex_calls != (size_t)0xEEEEEEEEEEEEEEEE);
    return now;
}

UNUSED static size_t stats_text(int format, char *out, size_t bytes)
{
    size_t (*ask)(int, char *, size_t) = (size_t (*)(int, char *, size_t))need("ta_stats_snprint");
    return ask(format, out, bytes);
}

UNUSED static int stats_print(int format, int descriptor)
{
    int (*print)(int, int) = (int (*)(int, int))need("ta_stats_print");
    return print(format, descriptor);
}

#endif
