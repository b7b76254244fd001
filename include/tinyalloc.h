/* tinyalloc: a drop-in memory allocator. https://github.com/tinyalloc/tinyalloc
 *
 * Link with -ltinyalloc, or run a program as LD_PRELOAD=libtinyalloc.so PROGRAM: malloc, free and their family need no header of ours.
 * What is declared here comes in addition.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */
#ifndef TINYALLOC_H
#define TINYALLOC_H

#include <stddef.h>

#define TINYALLOC_VERSION_MAJOR 0
#define TINYALLOC_VERSION_MINOR 1
#define TINYALLOC_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif

/* What the heap of this process holds. Exact for the calling thread and for all that is quiet; free slots that another running
 * thread keeps ready count as live. */
struct ta_stats {
    size_t allocated;    /* bytes in live blocks, requests rounded up to their slots */
    size_t committed;    /* bytes with memory behind them, or entitled to it: in use, free but not yet given back, metadata */
    size_t reserved;     /* bytes of address space */
    size_t metadata;     /* bytes for the allocator's own records */
    size_t free_slots;   /* small slots that can be had without touching another page */
    size_t live_slots;   /* small slots in use */
    size_t spans;        /* runs of pages in use, for small slots or for one large block */
    size_t large_blocks; /* live blocks above 32 KiB and below 32 MiB */
    size_t huge_blocks;  /* live blocks with a mapping of their own */
    size_t heaps;        /* heaps made so far, one per thread that allocates at a time */
    size_t purges;       /* times that memory was given back to the system */
    size_t purged_bytes; /* bytes given back to the system, in all */
};

/* Fills in *out, or as much of it as out_bytes covers: pass sizeof *out. Allocates nothing.
 * Returns 0, or -1 with errno EINVAL when out is null. */
int ta_stats(struct ta_stats *out, size_t out_bytes);

/* Bytes that a request for `bytes` bytes really gets. */
size_t malloc_good_size(size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
