/* What a C test shares on Windows: what ../expect.h has that needs no fork, no signal, no /proc.
 * malloc and its family are the library's, by their names there. */
#ifndef EXPECT_H
#define EXPECT_H

#include <errno.h>
#include <io.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tinyalloc.h"

#define malloc ta_malloc
#define calloc ta_calloc
#define realloc ta_realloc
#define reallocarray ta_reallocarray
#define aligned_alloc ta_aligned_alloc
#define free ta_free
#define malloc_usable_size ta_usable_size

#define KIB ((size_t)1024)
#define MIB ((size_t)1024 * 1024)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define UNUSED __attribute__((unused))

enum { EXIT_SKIPPED = 77, ERRNO_UNTOUCHED = 4711 };

#define EXPECT(condition) ((condition) ? (void)0 : expect_failed(__FILE__, __LINE__, #condition))

#define EXPECT_REFUSED(call, reason)                                                                                   \
    do {                                                                                                               \
        errno = ERRNO_UNTOUCHED;                                                                                       \
        EXPECT((call) == NULL);                                                                                        \
        EXPECT(errno == (reason));                                                                                     \
    } while (0)

UNUSED static void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

UNUSED static void expect_failed(const char *file, int line, const char *condition)
{
    int error = errno;
    say("%s:%d: expected %s (errno %d)\n", file, line, condition, error);
    _exit(1);
}

UNUSED static void skip(const char *why)
{
    say("skipped: %s\n", why);
    _exit(EXIT_SKIPPED);
}

UNUSED static void require_tinyalloc(void) {}

UNUSED static struct ta_stats stats(void)
{
    struct ta_stats now;
    EXPECT(ta_stats(&now, sizeof now) == 0);
    return now;
}

UNUSED static void *hidden(void *value)
{
    void *volatile kept = value;
    return kept;
}

UNUSED static size_t hidden_size(size_t value)
{
    volatile size_t kept = value;
    return kept;
}

UNUSED static bool is_aligned(const void *at, size_t alignment) { return ((uintptr_t)at & (alignment - 1)) == 0; }

UNUSED static size_t next_sample(size_t at, size_t bytes)
{
    size_t step = at < 4096 ? 1 : 509;
    return at + 1 < bytes && at + step >= bytes ? bytes - 1 : at + step;
}

UNUSED static unsigned char pattern_byte(size_t at, unsigned seed) { return (unsigned char)(at * 31 + seed * 17 + 1); }

UNUSED static void fill(void *block, size_t bytes, unsigned seed)
{
    for (size_t at = 0; at < bytes; at = next_sample(at, bytes)) ((unsigned char *)block)[at] = pattern_byte(at, seed);
}

UNUSED static bool is_filled(const void *block, size_t bytes, unsigned seed)
{
    for (size_t at = 0; at < bytes; at += at < 4096 ? 1 : 509)
        if (((const unsigned char *)block)[at] != pattern_byte(at, seed)) return false;
    return true;
}

UNUSED static bool is_zero(const void *block, size_t bytes)
{
    const unsigned char *byte = (const unsigned char *)block;
    return bytes == 0 || (byte[0] == 0 && memcmp(byte, byte + 1, bytes - 1) == 0);
}

UNUSED static bool is_emulated(void) { return true; }

/* The runner ends a test that takes too long. */
UNUSED static void watchdog(unsigned seconds) { (void)seconds; }

UNUSED static pthread_t start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, body, argument) == 0);
    return thread;
}

UNUSED static void *join(pthread_t thread)
{
    void *result = NULL;
    EXPECT(pthread_join(thread, &result) == 0);
    return result;
}

UNUSED static void run_in_thread(void *(*body)(void *), void *argument) { join(start(body, argument)); }

#endif
