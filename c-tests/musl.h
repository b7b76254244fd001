/* What musl's headers do not declare and this library has. Each C test for musl begins with it
 * (scripts/reach). */
#define _GNU_SOURCE
#include <limits.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

struct mallinfo mallinfo(void);
struct mallinfo2 mallinfo2(void);
int malloc_trim(size_t pad);
int mallopt(int parameter, int value);
int malloc_info(int options, FILE *stream);
void malloc_stats(void);
void *pvalloc(size_t bytes);

/* musl's least is 2048 bytes: less than the kernel writes for a signal handler, and than the slow
 * paths take, for which 4096 were enough. */
#undef PTHREAD_STACK_MIN
#define PTHREAD_STACK_MIN 16384
#ifndef _SC_MINSIGSTKSZ
#define _SC_MINSIGSTKSZ 249
#endif
enum { M_TRIM_THRESHOLD = -1, M_TOP_PAD = -2, M_MMAP_THRESHOLD = -3, M_ARENA_MAX = -8 };
