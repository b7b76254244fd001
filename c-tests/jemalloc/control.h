/* Shorter calls of mallctl. */
#ifndef CONTROL_H
#define CONTROL_H

#include "tinyalloc-jemalloc.h"

#include "expect.h"

UNUSED static size_t read_size(const char *name)
{
    size_t value = 0, bytes = sizeof value;
    EXPECT(mallctl(name, &value, &bytes, NULL, 0) == 0);
    EXPECT(bytes == sizeof value);
    return value;
}

UNUSED static unsigned read_unsigned(const char *name)
{
    unsigned value = 0;
    size_t bytes = sizeof value;
    EXPECT(mallctl(name, &value, &bytes, NULL, 0) == 0);
    return value;
}

UNUSED static bool read_bool(const char *name)
{
    bool value = false;
    size_t bytes = sizeof value;
    EXPECT(mallctl(name, &value, &bytes, NULL, 0) == 0);
    return value;
}

UNUSED static const char *read_text(const char *name)
{
    const char *value = NULL;
    size_t bytes = sizeof value;
    EXPECT(mallctl(name, &value, &bytes, NULL, 0) == 0);
    return value;
}

UNUSED static uint64_t new_epoch(void)
{
    uint64_t epoch = 1;
    size_t bytes = sizeof epoch;
    EXPECT(mallctl("epoch", &epoch, &bytes, &epoch, sizeof epoch) == 0);
    return epoch;
}

UNUSED static int act(const char *name)
{
    return mallctl(name, NULL, NULL, NULL, 0);
}

UNUSED static unsigned new_arena(void)
{
    return read_unsigned("arenas.create");
}

UNUSED static int act_on_arena(unsigned arena, const char *what)
{
    char name[64];
    snprintf(name, sizeof name, "arena.%u.%s", arena, what);
    return act(name);
}

#endif
