#ifndef WILD_POINTERS_H
#define WILD_POINTERS_H

#include <stdint.h>

/* The first page, addresses nothing can be mapped at, and the kernel's half. */
static const uintptr_t WILD[] = {
    1,
    8,
    16,
    0x30,
    0xff0,
    0x1000,
    0x10000,
    0x7ffffffff000,
    0x7fffffffffff,
    0x800000000000,
    0x1000000000000,
    0xdeadbeefdeadbeef,
    0xdeadbeefdeadbee0,
    0x4141414141414140,
    0x7fffffffffffffff,
    0x8000000000000000,
    0xffff800000000000,
    0xffffffffff600000,
    UINTPTR_MAX - 4095,
    UINTPTR_MAX - 15,
    UINTPTR_MAX,
};

#endif
