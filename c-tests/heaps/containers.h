/* What the tests of containers share: a heap by name, and what must hold of the two kinds of
 * containers. */
#ifndef CONTAINERS_H
#define CONTAINERS_H

#include <memory_resource>
#include <string>
#include <tinyalloc.hpp>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "heap.h"
#pragma GCC diagnostic pop

template <class T>
using on = tinyalloc::allocator<T>;

using text = std::basic_string<char, std::char_traits<char>, on<char>>;

inline size_t live_slots(ta_heap_t *heap)
{
    ta_stats_t now = heap_stats(heap);
    return now.live_slots + now.large_blocks + now.huge_blocks;
}

inline bool is_empty(const tinyalloc::heap &heap) { return live_slots(heap.get()) == 0; }

/* Throws `Exception`, or the test has failed. */
template <class Exception, class Body>
bool throws(Body body)
{
    try {
        body();
    } catch (const Exception &) {
        return true;
    }
    return false;
}

#endif
