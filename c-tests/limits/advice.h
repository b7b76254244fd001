#ifndef ADVICE_H
#define ADVICE_H

#include "c_library.h"

enum { GUARD_INSTALL = 102 };

/* What the C library advises for the stack of a new thread: from 2.42 on, the GNU one has guard
 * markers on it. Else MADV_DONTNEED, which every C library needs besides. */
static unsigned advice_for_stacks(void)
{
    return is_glibc_since(42) ? GUARD_INSTALL : MADV_DONTNEED;
}

#endif
