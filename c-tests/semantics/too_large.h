#ifndef TOO_LARGE_H
#define TOO_LARGE_H

/* Sizes no object may have, and those whose rounding to 16, to a page or to 2 MiB wraps around. */
static const size_t TOO_LARGE[] = {
    (size_t)PTRDIFF_MAX + 1, (size_t)PTRDIFF_MAX + 2, (size_t)PTRDIFF_MAX + 4096, SIZE_MAX - ((size_t)1 << 40), SIZE_MAX - 2 * MIB,
    SIZE_MAX - 65536,        SIZE_MAX - 4096,         SIZE_MAX - 4095,            SIZE_MAX - 64,                SIZE_MAX - 16,
    SIZE_MAX - 15,           SIZE_MAX - 1,            SIZE_MAX,
};

#endif
