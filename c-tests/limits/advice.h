#ifndef ADVICE_H
#define ADVICE_H

#include "expect.h"
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

enum { GUARD_INSTALL = 102, FIRST_MINOR_VERSION = 42 };

/* What the C library advises for the stack of a new thread: from 2.42 on, the GNU one has guard
 * markers on it. Else MADV_DONTNEED, which every C library needs besides. */
static unsigned advice_for_stacks(void)
{
#ifdef __GLIBC__
    int minor = 0;
    if (sscanf(gnu_get_libc_version(), "2.%d", &minor) == 1 && minor >= FIRST_MINOR_VERSION) return GUARD_INSTALL;
#endif
    return MADV_DONTNEED;
}

#endif
