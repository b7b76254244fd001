/* jemalloc's interface, as libtinyalloc-jemalloc.so has it. In place of <jemalloc/jemalloc.h>.
 *
 * Link with -ltinyalloc-jemalloc, and with no other allocator. The functions are those of
 * jemalloc(3); tinyalloc-jemalloc(3) says what is answered, and what is refused.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TINYALLOC_JEMALLOC_H
#define TINYALLOC_JEMALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

/* Whose interface this is. mallctl("version") adds whose memory. */
#define JEMALLOC_VERSION "5.3.0-0-tinyalloc"
#define JEMALLOC_VERSION_MAJOR 5
#define JEMALLOC_VERSION_MINOR 3
#define JEMALLOC_VERSION_BUGFIX 0
#define JEMALLOC_VERSION_NREV 0
#define JEMALLOC_VERSION_GID "tinyalloc"

/* redis moves its blocks together where it finds this: je_get_defrag_hint is there. */
#define JEMALLOC_FRAG_HINT

#define MALLOCX_LG_ALIGN(la) ((int)(la))
#define MALLOCX_ALIGN(a) ((int)__builtin_ctzll((unsigned long long)(a)))
#define MALLOCX_ZERO ((int)0x40)
#define MALLOCX_TCACHE(tc) ((int)(((tc) + 2) << 8))
#define MALLOCX_TCACHE_NONE MALLOCX_TCACHE(-1)
#define MALLOCX_ARENA(a) ((((int)(a)) + 1) << 20)

#define MALLCTL_ARENAS_ALL 4096
#define MALLCTL_ARENAS_DESTROYED 4097

#ifdef __cplusplus
#define TA_JEMALLOC_NOTHROW noexcept(true)
extern "C" {
#else
#define TA_JEMALLOC_NOTHROW
#endif

/* Options in the form of MALLOC_CONF: a program may define it. */
extern const char *malloc_conf;
/* Where text goes that no function is given for; standard error if it is null. */
extern void (*malloc_message)(void *context, const char *text);

void *mallocx(size_t size, int flags) TA_JEMALLOC_NOTHROW;
void *rallocx(void *ptr, size_t size, int flags) TA_JEMALLOC_NOTHROW;
size_t xallocx(void *ptr, size_t size, size_t extra, int flags) TA_JEMALLOC_NOTHROW;
size_t sallocx(const void *ptr, int flags) TA_JEMALLOC_NOTHROW;
void dallocx(void *ptr, int flags) TA_JEMALLOC_NOTHROW;
void sdallocx(void *ptr, size_t size, int flags) TA_JEMALLOC_NOTHROW;
size_t nallocx(size_t size, int flags) TA_JEMALLOC_NOTHROW;
int mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen) TA_JEMALLOC_NOTHROW;
int mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp) TA_JEMALLOC_NOTHROW;
int mallctlbymib(const size_t *mib, size_t miblen, void *oldp, size_t *oldlenp, void *newp, size_t newlen) TA_JEMALLOC_NOTHROW;
void malloc_stats_print(void (*write_cb)(void *, const char *), void *cbopaque, const char *opts) TA_JEMALLOC_NOTHROW;

/* The same functions under the names that a jemalloc built with the prefix je_ has. */
void *je_malloc(size_t size) TA_JEMALLOC_NOTHROW;
void *je_calloc(size_t num, size_t size) TA_JEMALLOC_NOTHROW;
int je_posix_memalign(void **memptr, size_t alignment, size_t size) TA_JEMALLOC_NOTHROW;
void *je_aligned_alloc(size_t alignment, size_t size) TA_JEMALLOC_NOTHROW;
void *je_realloc(void *ptr, size_t size) TA_JEMALLOC_NOTHROW;
void je_free(void *ptr) TA_JEMALLOC_NOTHROW;
void *je_memalign(size_t alignment, size_t size) TA_JEMALLOC_NOTHROW;
void *je_valloc(size_t size) TA_JEMALLOC_NOTHROW;
size_t je_malloc_usable_size(const void *ptr) TA_JEMALLOC_NOTHROW;
void *je_mallocx(size_t size, int flags) TA_JEMALLOC_NOTHROW;
void *je_rallocx(void *ptr, size_t size, int flags) TA_JEMALLOC_NOTHROW;
size_t je_xallocx(void *ptr, size_t size, size_t extra, int flags) TA_JEMALLOC_NOTHROW;
size_t je_sallocx(const void *ptr, int flags) TA_JEMALLOC_NOTHROW;
void je_dallocx(void *ptr, int flags) TA_JEMALLOC_NOTHROW;
void je_sdallocx(void *ptr, size_t size, int flags) TA_JEMALLOC_NOTHROW;
size_t je_nallocx(size_t size, int flags) TA_JEMALLOC_NOTHROW;
int je_mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen) TA_JEMALLOC_NOTHROW;
int je_mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp) TA_JEMALLOC_NOTHROW;
int je_mallctlbymib(const size_t *mib, size_t miblen, void *oldp, size_t *oldlenp, void *newp, size_t newlen) TA_JEMALLOC_NOTHROW;
void je_malloc_stats_print(void (*write_cb)(void *, const char *), void *cbopaque, const char *opts) TA_JEMALLOC_NOTHROW;

/* Whether moving a block is worth while: 1 if its span is used below the average of its size. */
int je_get_defrag_hint(void *ptr) TA_JEMALLOC_NOTHROW;

/* For programs that name the type: hooks are refused. */
typedef struct extent_hooks_s extent_hooks_t;
typedef void *(extent_alloc_t)(extent_hooks_t *, void *, size_t, size_t, bool *, bool *, unsigned);
typedef bool(extent_dalloc_t)(extent_hooks_t *, void *, size_t, bool, unsigned);
typedef void(extent_destroy_t)(extent_hooks_t *, void *, size_t, bool, unsigned);
typedef bool(extent_commit_t)(extent_hooks_t *, void *, size_t, size_t, size_t, unsigned);
typedef bool(extent_decommit_t)(extent_hooks_t *, void *, size_t, size_t, size_t, unsigned);
typedef bool(extent_purge_t)(extent_hooks_t *, void *, size_t, size_t, size_t, unsigned);
typedef bool(extent_split_t)(extent_hooks_t *, void *, size_t, size_t, size_t, bool, unsigned);
typedef bool(extent_merge_t)(extent_hooks_t *, void *, size_t, void *, size_t, bool, unsigned);
struct extent_hooks_s {
    extent_alloc_t *alloc;
    extent_dalloc_t *dalloc;
    extent_destroy_t *destroy;
    extent_commit_t *commit;
    extent_decommit_t *decommit;
    extent_purge_t *purge_lazy;
    extent_purge_t *purge_forced;
    extent_split_t *split;
    extent_merge_t *merge;
};

#ifdef __cplusplus
}
#endif

#endif /* TINYALLOC_JEMALLOC_H */
