/* Which C library a test runs with, whatever it was compiled for. */
#ifndef C_LIBRARY_H
#define C_LIBRARY_H

#include "expect.h"
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

/* Whether it is the GNU one, of version 2.`minor` or later. */
UNUSED static bool is_glibc_since(int minor)
{
#ifdef __GLIBC__
    int its = 0;
    return sscanf(gnu_get_libc_version(), "2.%d", &its) == 1 && its >= minor;
#else
    return minor < 0;
#endif
}

#endif
