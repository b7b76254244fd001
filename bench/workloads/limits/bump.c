/* An allocator that only moves a pointer and never frees: the limit in time for programs that fit
 * into memory. Preload it: cc -std=gnu11 -O2 -fPIC -shared -o libbump.so bump.c A word before each
 * block holds its size, for realloc and malloc_usable_size. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 16, HEADER_BYTES = sizeof(size_t), CHUNK_BYTES = 64 * 1024, PAGE_BYTES = 4096 };

static const size_t region_bytes_most = (size_t)1 << 40;
static const size_t region_bytes_least = (size_t)1 << 20;

struct chunk {
    uintptr_t at, end;
};

static _Atomic uintptr_t region_at, region_end;
static atomic_flag region_is_reserved = ATOMIC_FLAG_INIT;
static _Thread_local struct chunk chunk __attribute__((tls_model("initial-exec")));

static uintptr_t rounded_up(uintptr_t value, uintptr_t to) { return (value + to - 1) & ~(to - 1); }

/* As much address space as the limits of the process leave. */
static void region_reserve(void)
{
    for (size_t bytes = region_bytes_most; bytes >= region_bytes_least; bytes /= 2) {
        void *region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (region == MAP_FAILED) continue;
        atomic_store(&region_at, (uintptr_t)region);
        atomic_store(&region_end, (uintptr_t)region + bytes);
        return;
    }
    atomic_store(&region_end, 1);
}

static uintptr_t region_take(size_t bytes)
{
    if (!atomic_load(&region_end) && !atomic_flag_test_and_set(&region_is_reserved)) region_reserve();
    while (!atomic_load(&region_end)) continue;
    uintptr_t at = atomic_load(&region_at);
    do
        if (at == 0 || bytes > atomic_load(&region_end) - at) return 0;
    while (!atomic_compare_exchange_weak(&region_at, &at, at + bytes));
    return at;
}

static void *placed(uintptr_t at, size_t bytes)
{
    *(size_t *)(at - HEADER_BYTES) = bytes;
    return (void *)at;
}

static void *refused(void)
{
    errno = ENOMEM;
    return NULL;
}

static __attribute__((noinline)) void *allocate_slow(size_t alignment, size_t bytes)
{
    if (bytes > PTRDIFF_MAX - 2 * alignment || alignment > PTRDIFF_MAX / 4) return refused();
    size_t needed = rounded_up(bytes + alignment + HEADER_BYTES, PAGE_BYTES);
    uintptr_t at = region_take(needed < CHUNK_BYTES ? CHUNK_BYTES : needed);
    if (!at) return refused();
    uintptr_t block = rounded_up(at + HEADER_BYTES, alignment);
    if (needed < CHUNK_BYTES) chunk = (struct chunk){block + bytes, at + CHUNK_BYTES};
    return placed(block, bytes);
}

static inline void *allocate(size_t alignment, size_t bytes)
{
    uintptr_t block = rounded_up(chunk.at + HEADER_BYTES, alignment);
    if (block > chunk.end || bytes > chunk.end - block) return allocate_slow(alignment, bytes);
    chunk.at = block + bytes;
    return placed(block, bytes);
}

void *malloc(size_t bytes) { return allocate(ALIGNMENT, bytes); }

void free(void *block) { (void)block; }

/* The region's pages have never been used: they are zero. */
void *calloc(size_t length, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(length, bytes, &total)) return refused();
    return allocate(ALIGNMENT, total);
}

size_t malloc_usable_size(void *block) { return block ? *(size_t *)((uintptr_t)block - HEADER_BYTES) : 0; }

/* Shrinking keeps the size: calloc relies on bytes beyond the pointer being untouched. */
void *realloc(void *block, size_t bytes)
{
    size_t before = malloc_usable_size(block);
    if (block && bytes <= before) return block;
    void *grown = allocate(ALIGNMENT, bytes);
    if (grown && block) memcpy(grown, block, before);
    return grown;
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    if (alignment == 0 || (alignment & (alignment - 1))) {
        errno = EINVAL;
        return NULL;
    }
    return allocate(alignment < ALIGNMENT ? ALIGNMENT : alignment, bytes);
}

void *memalign(size_t alignment, size_t bytes) { return aligned_alloc(alignment, bytes); }

void *valloc(size_t bytes) { return allocate(PAGE_BYTES, bytes); }

void *pvalloc(size_t bytes) { return allocate(PAGE_BYTES, rounded_up(bytes, PAGE_BYTES)); }

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    if (alignment < sizeof(void *) || (alignment & (alignment - 1))) return EINVAL;
    int errno_before = errno;
    void *found = aligned_alloc(alignment, bytes);
    errno = errno_before;
    if (!found) return ENOMEM;
    *block = found;
    return 0;
}
