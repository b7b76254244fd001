/* tinyalloc: a drop-in memory allocator. https://github.com/tinyalloc/tinyalloc
 *
 * Link with -ltinyalloc, or run a program as LD_PRELOAD=libtinyalloc.so PROGRAM: malloc, free and
 * their family need no header of ours. What is declared here comes in addition. C99 and later,
 * C++11 and later. Options: see tinyalloc(7).
 *
 * Generated from the sources by `make header`: change those.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TINYALLOC_H
#define TINYALLOC_H

#include <stddef.h>

#define TINYALLOC_VERSION "0.1.0"
#define TINYALLOC_VERSION_MAJOR 0
#define TINYALLOC_VERSION_MINOR 1
#define TINYALLOC_VERSION_PATCH 0

#if defined(__GNUC__) || defined(__clang__)
/* Returns memory that nothing else points at. */
#define TA_MALLOC __attribute__((__malloc__, __warn_unused_result__))
/* Parameter n is the size of what is returned; TA_ALLOC_SIZE2: the product of two. */
#define TA_ALLOC_SIZE(n) __attribute__((__alloc_size__(n)))
#define TA_ALLOC_SIZE2(n, m) __attribute__((__alloc_size__(n, m)))
/* Parameter n is the alignment of what is returned. */
#define TA_ALLOC_ALIGN(n) __attribute__((__alloc_align__(n)))
/* Parameter n is never null. */
#define TA_NONNULL(n) __attribute__((__nonnull__(n)))
/* The result must be looked at. */
#define TA_CHECK_RESULT __attribute__((__warn_unused_result__))
/* No call has an effect but its result. */
#define TA_PURE __attribute__((__pure__))
#define TA_CONST __attribute__((__const__))
#else
#define TA_MALLOC
#define TA_ALLOC_SIZE(n)
#define TA_ALLOC_SIZE2(n, m)
#define TA_ALLOC_ALIGN(n)
#define TA_NONNULL(n)
#define TA_CHECK_RESULT
#define TA_PURE
#define TA_CONST
#endif

/* A program that defines TA_STDC_ALLOC_AT_LEAST before it includes this gets the blocks with their
 * size of a coming standard of C (WG14 N3991): malloc and aligned_alloc, with the bytes that may be
 * used. Names and types are provisional; <stdlib.h> may declare them one day.
 */
#ifdef TA_STDC_ALLOC_AT_LEAST
#ifdef __cplusplus
extern "C" {
#endif
typedef struct {
    void *al_ptr;
    size_t al_size;
} stdc_alloc_result_t;
stdc_alloc_result_t stdc_alloc_at_least(size_t size);
stdc_alloc_result_t stdc_aligned_alloc_at_least(size_t alignment, size_t size);
#ifdef __cplusplus
}
#endif
#endif

/* `ta_heap_reset` returns the memory to the system at once, and any access to it faults, as after
 * `ta_heap_destroy`. Without it, memory stays for what the heap is used for next.
 */
#define TA_HEAP_RESET_RELEASES_MEMORY 1

/* `ta_heap_destroy` leaves the memory to the process, for the thread that allocates next, instead
 * of returning it to the system: four times as fast for a small heap, but a later use of one of
 * its blocks is not noticed.
 */
#define TA_HEAP_DESTROY_RETAINS_MEMORY 2

/* A table to read. */
#define TA_FORMAT_TEXT 0

/* One JSON object, on one line. */
#define TA_FORMAT_JSON 1

/* The text format of Prometheus. */
#define TA_FORMAT_PROMETHEUS 2

/* XML, as malloc_info(3) writes it. */
#define TA_FORMAT_XML 3

/* An isolated heap: it shares no page, no record and no free slot with any other. Every function
 * that takes one may be called from any thread at any time, unless it says otherwise.
 */
typedef struct ta_heap ta_heap_t;

/* Called when a request for `bytes` bytes is beyond the limit of `heap`, or of the thread's
 * current heap; holding no lock. It may free, reset or raise the limit; meanwhile the global heap
 * is the thread's current one. Returns nonzero to have the request tried again, 0 to have it fail.
 */
typedef int (*ta_heap_limit_fn_t)(ta_heap_t *heap, size_t bytes, void *argument);

/* What a heap is to be. Zero is the default of every field. */
struct ta_heap_options {
    /* `sizeof(ta_heap_options_t)`, so that later versions may add fields. */
    size_t size;
    /* What messages and statistics call it; null for nothing. Copied, up to 31 bytes. */
    const char *name;
    /* The most bytes that its blocks may take, requests rounded up to their slots; 0 for as many
     * as there are.
     */
    size_t limit;
    /* `TA_HEAP_*`, or 0. */
    unsigned int flags;
    /* What is called when the limit is in the way; null for nothing. */
    ta_heap_limit_fn_t on_limit;
    /* What `on_limit` is called with. */
    void *argument;
};
typedef struct ta_heap_options ta_heap_options_t;

/* What a heap holds. Sizes are in bytes. What jemalloc counts too has jemalloc's name and meaning.
 *
 * Exact for the calling thread and for all that is quiet; free slots that another running thread
 * keeps ready count as live. Later versions add fields at the end, and only there.
 */
struct ta_stats {
    /* In live blocks, requests rounded up to their slots. */
    size_t allocated;
    /* In spans and blocks, or free and not returned yet, and metadata. */
    size_t committed;
    /* Address space. */
    size_t reserved;
    /* For the allocator's own records. */
    size_t metadata;
    /* Small slots that can be had without touching another page; a count. */
    size_t free_slots;
    /* Small slots in use; a count. */
    size_t live_slots;
    /* Runs of pages in use, for small slots or for one large block; a count. */
    size_t spans;
    /* Live blocks above 32 KiB and below 32 MiB; a count. */
    size_t large_blocks;
    /* Live blocks with a mapping of their own; a count. */
    size_t huge_blocks;
    /* Thread heaps made so far, one per thread that allocates at a time; a count. */
    size_t heaps;
    /* Times that memory was returned to the system. */
    size_t purges;
    /* Returned to the system, in all. */
    size_t purged_bytes;
    /* In pages of spans that hold or held live slots, and in blocks. */
    size_t active;
    /* In memory at most: active, free and not returned yet, metadata. */
    size_t resident;
    /* In spans and blocks. */
    size_t mapped;
    /* Address space kept without memory. */
    size_t retained;
    /* Free and not returned yet. */
    size_t resident_free;
    /* In blocks with a mapping of their own. */
    size_t huge;
    /* Slots that came home from other threads' frees; a count. */
    size_t remote_frees;
    /* Calls of mmap(2) since the process started. These six are the whole process's, and 0 for any
     * other heap.
     */
    size_t mmap_calls;
    /* Calls of munmap(2). */
    size_t munmap_calls;
    /* Calls of mprotect(2). */
    size_t mprotect_calls;
    /* Calls of madvise(2). */
    size_t madvise_calls;
    /* Calls of mremap(2). */
    size_t mremap_calls;
    /* Calls of futex(2). */
    size_t futex_calls;
};
typedef struct ta_stats ta_stats_t;

/* Receives a part of a text: `bytes` bytes at `text`, without a null byte behind them. It may not
 * allocate if the caller may not.
 */
typedef void (*ta_write_fn_t)(void *context, const char *text, size_t bytes);

/* Called for a live block. Returns nonzero to stop. */
typedef int (*ta_heap_visit_fn_t)(void *block, size_t bytes, void *argument);

/* Slots of one size. */
struct ta_class_stats {
    /* Bytes of one slot. */
    size_t slot_bytes;
    /* Spans cut into such slots. */
    size_t spans;
    /* Slots in use. */
    size_t live_slots;
    /* Slots that can be had without touching another page. */
    size_t free_slots;
};
typedef struct ta_class_stats ta_class_stats_t;

/* What the heap has of one node's memory. Large blocks with a mapping of their own are not
 * counted.
 */
struct ta_node_stats {
    /* The node's number, as the system counts. */
    unsigned int node;
    /* Bytes in spans and large blocks. */
    size_t used;
    /* Bytes that are free and not decommitted yet. */
    size_t resident_free;
};
typedef struct ta_node_stats ta_node_stats_t;

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/* Bytes that a request for `bytes` bytes really gets. A zero-size allocation has none, and any
 * access to it faults.
 */
size_t malloc_good_size(size_t bytes) TA_CONST;

/* Makes a heap; `options` may be null.
 *
 * Returns null and errno ENOMEM when there is no memory for it, EINVAL for options that this
 * version does not know.
 *
 * `options` is null, or points to as many bytes as it says.
 */
ta_heap_t *ta_heap_create(const struct ta_heap_options *options) TA_CHECK_RESULT;

/* Frees all blocks of a heap, and the heap; null does nothing. The memory goes back to the system,
 * and any access to it faults, unless `TA_HEAP_DESTROY_RETAINS_MEMORY` says otherwise. Takes time
 * for every span and large block, not for every small one.
 *
 * Returns 0, or -1 with errno EINVAL for what is no live heap, EBUSY for one that is some thread's
 * current heap.
 *
 * No thread is in a call with the heap or one of its blocks, and no thread uses either afterwards.
 */
int ta_heap_destroy(ta_heap_t *heap);

/* Frees all blocks of a heap and keeps the heap.
 *
 * Returns 0, or -1 with errno EINVAL for what is no live heap.
 *
 * No thread is in a call with the heap or one of its blocks, and no thread uses the blocks
 * afterwards.
 */
int ta_heap_reset(ta_heap_t *heap);

/* The heap that malloc uses unless another one is current. It cannot be destroyed, reset or
 * limited.
 */
ta_heap_t *ta_heap_global(void);

/* As malloc(3), in a heap.
 *
 * Returns null and errno ENOMEM when there is no memory, or not within the limit; EINVAL for what
 * is no heap. ENOMEM also in a signal handler that interrupted the allocator.
 *
 * `heap` is null or a heap.
 */
void *ta_heap_malloc(ta_heap_t *heap, size_t bytes) TA_MALLOC TA_ALLOC_SIZE(2);

/* As calloc(3), in a heap. Errors as for `ta_heap_malloc`, and ENOMEM when the product overflows.
 *
 * `heap` is null or a heap.
 */
void *ta_heap_calloc(ta_heap_t *heap, size_t count, size_t bytes) TA_MALLOC TA_ALLOC_SIZE2(2, 3);

/* As realloc(3): the block stays in its heap, which must be `heap`. A null block is allocated in
 * it; 0 bytes free the block and return null. A block of another heap ends the program with a
 * message that names both heaps. Errors as for `ta_heap_malloc`; the block is then as it was.
 *
 * As for realloc.
 */
void *ta_heap_realloc(ta_heap_t *heap, void *block, size_t bytes) TA_CHECK_RESULT TA_ALLOC_SIZE(3);

/* As reallocarray(3), in a heap. Errors as for `ta_heap_realloc`, and ENOMEM when the product
 * overflows.
 *
 * As for realloc.
 */
void *ta_heap_reallocarray(ta_heap_t *heap, void *block, size_t count, size_t bytes)
TA_CHECK_RESULT TA_ALLOC_SIZE2(3, 4);

/* As aligned_alloc(3), in a heap. Errors as for `ta_heap_malloc`, and EINVAL when `alignment` is
 * no power of two.
 *
 * `heap` is null or a heap.
 */
void *ta_heap_aligned_alloc(ta_heap_t *heap, size_t alignment, size_t bytes)
TA_MALLOC TA_ALLOC_ALIGN(2) TA_ALLOC_SIZE(3);

/* Frees a block of a heap; a null block is ignored. A block of another heap ends the program with
 * a message that names both, as does whatever free(3) would not take. Plain free takes blocks of
 * every heap.
 *
 * As for free.
 */
void ta_heap_free(ta_heap_t *heap, void *block);

/* As malloc_usable_size(3): at least as many bytes as were asked for; 0 for a null block, and for
 * a block that is not of this heap.
 *
 * As for malloc_usable_size.
 */
size_t ta_heap_usable_size(ta_heap_t *heap, void *block);

/* The heap whose memory an address lies in, a block or free; null if it is no heap's. Of blocks
 * with a mapping of their own (32 MiB and more) only the first byte is known.
 */
ta_heap_t *ta_heap_owner(const void *address);

/* Whether an address lies in the memory of a heap: 1 or 0. */
int ta_heap_contains(ta_heap_t *heap, const void *address);

/* What a heap is called: at most 31 characters. Valid until the heap is destroyed. Null, and errno
 * EINVAL, for what is no heap.
 */
const char *ta_heap_name(ta_heap_t *heap);

/* Changes the limit of a heap, in bytes; 0 for none. Blocks that are there already stay.
 *
 * Returns 0, or -1 with errno EINVAL for what is no isolated heap.
 */
int ta_heap_set_limit(ta_heap_t *heap, size_t bytes);

/* The limit of a heap, in bytes; 0 for none. */
size_t ta_heap_limit(ta_heap_t *heap);

/* Sets how many bytes of a heap come to one sample of the heap profile: 0 for no samples, SIZE_MAX
 * for as many as in the process, which is the default.
 *
 * Returns 0, or -1 with errno EINVAL for what is no isolated heap, ENOMEM without memory for the
 * profile, or ENOTSUP where every call is checked: there is no profile.
 */
int ta_heap_set_profile(ta_heap_t *heap, size_t interval);

/* Has the memory that a heap takes from now on come from one node of the machine's memory (NUMA),
 * whichever threads use it; -1 for the node of the thread that takes it, which is the default.
 * Small blocks share what the heap has already: call this before the first.
 *
 * Returns 0, or -1 with errno EINVAL for what is no isolated heap, for a node whose memory the
 * process may not use, where a sandbox refuses get_mempolicy(2), and where regions are too small
 * for it (under 512 MiB).
 */
int ta_heap_set_node(ta_heap_t *heap, int node);

/* As `ta_stats`, of one heap. What no heap has for itself is 0: address space, purges, system
 * calls.
 *
 * Returns 0, or -1 with errno EINVAL for what is no heap, or a null `out`.
 *
 * `out` is valid for a write of `out_bytes` bytes.
 */
int ta_heap_stats(ta_heap_t *heap, struct ta_stats *out, size_t out_bytes);

/* As `ta_stats_print`, of one heap.
 *
 * Returns 0, or -1 with errno EINVAL for what is no isolated heap, or an unknown format, or as
 * write(2) sets it.
 */
int ta_heap_stats_print(ta_heap_t *heap, int format, int descriptor);

/* As `ta_stats_write`, of one heap.
 *
 * `write` may be called with `context`.
 */
int ta_heap_stats_write(ta_heap_t *heap, int format, ta_write_fn_t write, void *context);

/* Returns what is free in a heap to the system, as far as no other thread keeps it for itself.
 *
 * Returns 1 if anything was, else 0, or -1 with errno EINVAL for what is no heap.
 */
int ta_heap_purge(ta_heap_t *heap);

/* Calls `visit` with every live block of a heap, its usable bytes and `argument`, until it returns
 * nonzero.
 *
 * Returns what the last call returned, or 0; -1 with errno EINVAL for what is no isolated heap, or
 * a null `visit`.
 *
 * No thread uses the heap meanwhile: `visit` must not allocate or free in it.
 */
int ta_heap_walk(ta_heap_t *heap, ta_heap_visit_fn_t visit, void *argument);

/* Makes `heap` the current heap of this thread: until `ta_heap_pop`, calls of malloc, calloc,
 * operator new and their like, and those of libraries that the thread calls, are served by it.
 * Frees and changes of size go where the block came from. Up to 48 deep.
 *
 * Returns 0, or -1 with errno EINVAL for what is no heap, EOVERFLOW when that is too deep, ENOMEM.
 */
int ta_heap_push(ta_heap_t *heap);

/* Goes back to the heap that was current before the last `ta_heap_push`.
 *
 * Returns 0, or -1 with errno EINVAL when there was none.
 */
int ta_heap_pop(void);

/* The current heap of this thread; the global one unless another one was pushed. */
ta_heap_t *ta_heap_current(void);

/* Returns all free memory to the system at once, as malloc_trim(3) does.
 *
 * Returns 1 if there was any, else 0.
 */
int ta_purge(void);

/* The calling thread is about to wait for long: other threads, and `ta_purge`, may have what it
 * keeps ready. It keeps its blocks, and may allocate and free at any time afterwards. Does nothing
 * while the thread has pushed a heap.
 */
void ta_thread_idle(void);

/* Writes the value of an option to a buffer, cut to what fits, with a null byte at its end; as
 * ta_option_set() takes it. See tinyalloc(7) for the options.
 *
 * Returns the characters of the whole value, as snprintf(3) does, or -1 with errno EINVAL if there
 * is no such option.
 *
 * `name` is a string or null; `value` is valid for a write of `value_bytes` bytes, and may be null
 * if that is 0.
 */
int ta_option_get(const char *name, char *value, size_t value_bytes);

/* Sets an option. What concerns regions of address space holds for those that are reserved
 * afterwards.
 *
 * Returns 0, or -1 with errno EINVAL if there is no such option or it cannot have that value,
 * EBUSY if it is fixed when the process starts, and EAGAIN in a signal handler that interrupted
 * the allocator.
 *
 * `name` and `value` are strings or null.
 */
int ta_option_set(const char *name, const char *value);

/* Fills in `*out`, or as much of it as `out_bytes` covers: pass `sizeof *out`. Allocates nothing.
 *
 * Returns 0, or -1 with errno EINVAL when `out` is null.
 *
 * `out` is valid for a write of `out_bytes` bytes.
 */
int ta_stats(struct ta_stats *out, size_t out_bytes);

/* Fills in one entry for each size of slot, smallest first, as many as `count` allows. Allocates
 * nothing.
 *
 * Returns how many sizes there are, whatever `count` is.
 *
 * `out` is valid for a write of `count` entries; it may be null if `count` is 0.
 */
size_t ta_stats_classes(struct ta_class_stats *out, size_t count);

/* Fills in one entry for each node of the machine's memory (NUMA) that threads of the process were
 * seen on, lowest first, as many as `count` allows. Allocates nothing.
 *
 * Returns how many nodes there are, whatever `count` is. On a machine with one node it is one.
 *
 * `out` is valid for a write of `count` entries; it may be null if `count` is 0.
 */
size_t ta_stats_nodes(struct ta_node_stats *out, size_t count);

/* Writes what the process's heap holds to a file descriptor. Allocates nothing.
 *
 * Returns 0, or -1 with errno EINVAL for an unknown format, or as write(2) sets it.
 */
int ta_stats_print(int format, int descriptor);

/* Hands what the process's heap holds to `write`, in parts of up to 512 bytes, with `context`.
 * Allocates nothing, and holds no lock while `write` runs.
 *
 * Returns 0, or -1 with errno EINVAL for an unknown format or a null `write`.
 *
 * `write` may be called with `context`.
 */
int ta_stats_write(int format, ta_write_fn_t write, void *context);

/* Writes what the process's heap holds to a buffer, cut to what fits, with a null byte at its end.
 * Allocates nothing.
 *
 * Returns the characters of the whole text, as snprintf(3) does, or 0 with errno EINVAL for an
 * unknown format.
 *
 * `out` is valid for a write of `out_bytes` bytes; it may be null if that is 0.
 */
size_t ta_stats_snprint(int format, char *out, size_t out_bytes);

/* Writes the heap profile to a file, as heap_v2, which jeprof(1) and pprof read; with a null path,
 * to the next file of the option profile_file. Without a profile it has no samples.
 *
 * Returns 0, or -1 with the errno of open(2) or write(2), or EAGAIN in a signal handler that
 * interrupted the allocator.
 *
 * `path` is a string or null.
 */
int ta_profile_dump(const char *path);

/* As ta_profile_dump(), to a file descriptor. */
int ta_profile_dump_fd(int descriptor);

/* Says on a file descriptor what a trapped access to a guarded block was, and who made the block
 * and freed it, as is said on standard error where a program has no handler of its own for
 * SIGSEGV. `address` is the `si_addr` of the signal. For signal handlers; keeps errno.
 *
 * Returns 1, or 0, and writes nothing, if the access was meant for no guarded block.
 */
int ta_explain_trap(const void *address, int descriptor);

#if defined(_WIN32)
/* On Windows, malloc of the global heap, aligned to 16. */
void *ta_malloc(size_t bytes) TA_MALLOC TA_ALLOC_SIZE(1);
#endif

#if defined(_WIN32)
/* On Windows, calloc of the global heap. */
void *ta_calloc(size_t count, size_t bytes) TA_MALLOC TA_ALLOC_SIZE2(1, 2);
#endif

#if defined(_WIN32)
/* On Windows, realloc of a block of ours: zero bytes free it.
 *
 * As for realloc.
 */
void *ta_realloc(void *block, size_t bytes) TA_CHECK_RESULT TA_ALLOC_SIZE(2);
#endif

#if defined(_WIN32)
/* On Windows, as `ta_realloc`, to `count * bytes`; null and errno ENOMEM if that overflows.
 *
 * As for realloc.
 */
void *ta_reallocarray(void *block, size_t count, size_t bytes) TA_CHECK_RESULT TA_ALLOC_SIZE2(2, 3);
#endif

#if defined(_WIN32)
/* On Windows, aligned_alloc of C11, which the C runtime lacks; `ta_free` frees the block. */
void *ta_aligned_alloc(size_t alignment, size_t bytes) TA_MALLOC TA_ALLOC_ALIGN(1) TA_ALLOC_SIZE(2);
#endif

#if defined(_WIN32)
/* On Windows, frees a block of ours; null is ignored. Anything else is reported, and the process
 * aborted: a block of the C runtime's malloc, too.
 *
 * As for free.
 */
void ta_free(void *block);
#endif

#if defined(_WIN32)
/* On Windows, the bytes of a block, at least as many as were asked for; 0 for null.
 *
 * The block is live.
 */
size_t ta_usable_size(const void *block);
#endif

#ifdef __cplusplus
}  /* extern "C" */
#endif  /* __cplusplus */

#endif  /* TINYALLOC_H */
