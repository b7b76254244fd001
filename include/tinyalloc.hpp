/* tinyalloc for C++: isolated heaps as objects, and containers on them. Nothing here needs
 * compiling; link as for tinyalloc.h.
 *
 *     tinyalloc::heap heap("request", 1 << 20);                    // an owner; at most 1 MiB
 *     std::vector<int, tinyalloc::allocator<int>> numbers(heap);   // C++11 and later
 *     tinyalloc::memory_resource resource(heap);                   // C++17 and later
 *     std::pmr::vector<std::pmr::string> words(&resource);
 *
 * Without exceptions (-fno-exceptions), what would throw calls std::terminate.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TINYALLOC_HPP
#define TINYALLOC_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

// In C++ the function ta_stats hides the structure's constructor, as stat(2) does: -Wshadow would
// say so in every program.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include "tinyalloc.h"
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#if __cplusplus >= 201703L && defined(__has_include)
#if __has_include(<memory_resource>)
#include <memory_resource>
#endif
#endif

namespace tinyalloc {

class heap;

namespace detail {

/* Throws std::bad_alloc for ENOMEM, std::system_error for any other. */
[[noreturn]] inline void fail(int error)
{
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
    if (error == ENOMEM) throw std::bad_alloc();
    throw std::system_error(error, std::generic_category());
#else
    static_cast<void>(error);
    std::terminate();
#endif
}

[[noreturn]] inline void fail_of_length()
{
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
    throw std::bad_array_new_length();
#else
    std::terminate();
#endif
}

/* What a heap's blocks are aligned to without being asked. */
constexpr std::size_t block_align = alignof(std::max_align_t);

inline void *allocate(ta_heap_t *heap, std::size_t bytes, std::size_t alignment)
{
    void *block = alignment <= block_align ? ta_heap_malloc(heap, bytes) : ta_heap_aligned_alloc(heap, alignment, bytes);
    if (block == nullptr) fail(errno);
    return block;
}

struct free_block {
    void operator()(void *block) const noexcept { std::free(block); }
};

} // namespace detail

/* Owns an isolated heap, and destroys it with all that is in it: no destructor of an object in it
 * is called. Its blocks may be used and freed from any thread, but not during the calls that end
 * them, `reset` and the destructor. A heap that was moved from, or released, is empty.
 */
class heap {
public:
    /* Throws std::bad_alloc when there is no memory for it, std::system_error for a name that is
     * not UTF-8 or flags that do not exist. */
    explicit heap(const char *name = nullptr, std::size_t limit = 0, unsigned flags = 0)
        : heap(made(name, limit, flags))
    {
    }

    /* The same, with a handler for the limit; `options.size` need not be set. The handler must not
     * throw. */
    explicit heap(ta_heap_options_t options)
        : handle(nullptr)
    {
        options.size = sizeof options;
        handle = ta_heap_create(&options);
        if (handle == nullptr) detail::fail(errno);
    }

    /* Takes over what ta_heap_create returned. Null makes an empty one: the way to create a heap
     * without exceptions. */
    explicit heap(ta_heap_t *owned) noexcept
        : handle(owned)
    {
    }

    heap(heap &&other) noexcept
        : handle(other.release())
    {
    }

    heap &operator=(heap &&other) noexcept
    {
        heap(std::move(other)).swap(*this);
        return *this;
    }

    heap(const heap &) = delete;
    heap &operator=(const heap &) = delete;

    /* A heap that is still the current heap of a thread cannot be destroyed: as for a thread that
     * was not joined, std::terminate is called. */
    ~heap()
    {
        if (ta_heap_destroy(handle) != 0) std::terminate();
    }

    void swap(heap &other) noexcept { std::swap(handle, other.handle); }
    friend void swap(heap &left, heap &right) noexcept { left.swap(right); }

    /* Null if it is empty. */
    ta_heap_t *get() const noexcept { return handle; }
    explicit operator bool() const noexcept { return handle != nullptr; }

    /* The caller has to destroy it. */
    ta_heap_t *release() noexcept
    {
        ta_heap_t *released = handle;
        handle = nullptr;
        return released;
    }

    /* Valid while the heap lives; null if it is empty. */
    const char *name() const noexcept { return ta_heap_name(handle); }

    /* The most bytes that its blocks may take; 0 for no limit. */
    std::size_t limit() const noexcept { return ta_heap_limit(handle); }
    bool set_limit(std::size_t bytes) noexcept { return ta_heap_set_limit(handle, bytes) == 0; }

    /* The node of the machine's memory that the heap's comes from; -1 for that of the thread which
     * takes it. False, with errno as ta_heap_set_node() has it.
     */
    bool set_node(int node) noexcept { return ta_heap_set_node(handle, node) == 0; }

    /* One sample of the heap profile for about so many bytes; 0 for none, SIZE_MAX for as many as
     * in the process. False, with errno as ta_heap_set_profile() has it.
     */
    bool set_profile(std::size_t interval) noexcept { return ta_heap_set_profile(handle, interval) == 0; }

    /* Frees all blocks and keeps the heap. No destructor is called: containers in it must be gone,
     * or never be touched again. False, and errno EINVAL, if it is empty.
     */
    bool reset() noexcept { return ta_heap_reset(handle) == 0; }

    /* Returns what is free to the system; whether anything was. */
    bool purge() noexcept { return ta_heap_purge(handle) == 1; }

    /* All zero if it is empty. */
    ta_stats_t stats() const noexcept
    {
        ta_stats_t now = ta_stats_t();
        ta_heap_stats(handle, &now, sizeof now);
        return now;
    }

    /* Whether an address lies in its memory. Of blocks of 32 MiB and more only the first byte is
     * known. */
    bool contains(const void *address) const noexcept { return ta_heap_contains(handle, address) != 0; }

private:
    static ta_heap_options_t made(const char *name, std::size_t limit, unsigned flags) noexcept
    {
        ta_heap_options_t options = ta_heap_options_t();
        options.name = name;
        options.limit = limit;
        options.flags = flags;
        return options;
    }

    ta_heap_t *handle;
};

/* While it lives, malloc and new of this thread are served by the heap, those of code one does not
 * own too. Frees go where the block came from. The last one made must be the first to end, in the
 * thread that made it.
 */
class current_heap {
public:
    /* Throws std::system_error (EOVERFLOW) beyond a depth of 48, and std::bad_alloc. */
    explicit current_heap(ta_heap_t *heap)
    {
        if (ta_heap_push(heap) != 0) detail::fail(errno);
    }

    explicit current_heap(heap &heap)
        : current_heap(heap.get())
    {
    }

    current_heap(const current_heap &) = delete;
    current_heap &operator=(const current_heap &) = delete;

    ~current_heap() { ta_heap_pop(); }
};

/* An allocator for the containers of the standard library: everything they allocate lies in the
 * heap, which must outlive them.
 *
 * It stays with its container, as that of std::pmr does: no assignment and no swap exchanges
 * allocators, so that a container never comes to hold memory of a heap it was not made for. To move
 * or assign between containers of two heaps moves or copies the elements; to swap them is an error,
 * which the next free reports with the names of both heaps. A copy that names no allocator is made
 * in the thread's current heap, as is a container that names none: where malloc is served from at
 * that moment.
 */
template <class T>
class allocator {
public:
    using value_type = T;
    using propagate_on_container_copy_assignment = std::false_type;
    using propagate_on_container_move_assignment = std::false_type;
    using propagate_on_container_swap = std::false_type;
    using is_always_equal = std::false_type;

    allocator() noexcept
        : handle(ta_heap_current())
    {
    }

    allocator(ta_heap_t *heap) noexcept
        : handle(heap)
    {
    }

    allocator(std::nullptr_t) = delete;

    allocator(heap &heap) noexcept
        : handle(heap.get())
    {
    }

    template <class U>
    allocator(const allocator<U> &other) noexcept
        : handle(other.get())
    {
    }

    /* Throws std::bad_alloc when there is no memory, or not within the limit; the handler of the
     * limit has been asked by then. */
    T *allocate(std::size_t count)
    {
        if (count > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T)) detail::fail_of_length();
        return static_cast<T *>(detail::allocate(handle, count * sizeof(T), alignof(T)));
    }

#if defined(__cpp_lib_allocate_at_least)
    using at_least = std::allocation_result<T *>;
#else
    struct at_least {
        T *ptr;
        std::size_t count;
    };
#endif

    /* As allocate, with as many elements as the block has room for: containers of C++23 that ask
     * for it grow less often. */
    at_least allocate_at_least(std::size_t count)
    {
        if (alignof(T) <= detail::block_align && count <= static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T)) {
            const std::size_t room = malloc_good_size(count * sizeof(T)) / sizeof(T);
            if (room > count) count = room;
        }
        return {allocate(count), count};
    }

    void deallocate(T *block, std::size_t) noexcept { ta_heap_free(handle, block); }

    allocator select_on_container_copy_construction() const noexcept { return allocator(); }

    ta_heap_t *get() const noexcept { return handle; }

private:
    ta_heap_t *handle;
};

template <class T, class U>
bool operator==(const allocator<T> &left, const allocator<U> &right) noexcept
{
    return left.get() == right.get();
}

template <class T, class U>
bool operator!=(const allocator<T> &left, const allocator<U> &right) noexcept
{
    return left.get() != right.get();
}

/* Ends an object that `make_unique` made, in whatever heap it is: it holds no pointer, so that the
 * owner is as small as a pointer. */
template <class T>
struct deleter {
    deleter() noexcept = default;

    /* A base class may own what it can destroy. */
    template <class U, class = typename std::enable_if<std::is_convertible<U *, T *>::value
                                                       && (std::has_virtual_destructor<T>::value
                                                           || std::is_same<typename std::remove_cv<U>::type,
                                                                           typename std::remove_cv<T>::type>::value)>::type>
    deleter(const deleter<U> &) noexcept
    {
    }

    void operator()(T *object) const noexcept
    {
        void *block = const_cast<void *>(start(object, std::is_polymorphic<T>()));
        object->~T();
        std::free(block);
    }

private:
    static const void *start(const T *object, std::true_type) noexcept { return dynamic_cast<const void *>(object); }
    static const void *start(const T *object, std::false_type) noexcept { return object; }
};

/* Makes an object in a heap. The owner must be gone, or released, when the heap is reset or
 * destroyed. */
template <class T, class... Arguments>
std::unique_ptr<T, deleter<T>> make_unique(heap &heap, Arguments &&...arguments)
{
    static_assert(!std::is_array<T>::value, "for an array take a std::vector with tinyalloc::allocator");
    std::unique_ptr<void, detail::free_block> block(detail::allocate(heap.get(), sizeof(T), alignof(T)));
    T *object = ::new (block.get()) T(std::forward<Arguments>(arguments)...);
    static_cast<void>(block.release());
    return std::unique_ptr<T, deleter<T>>(object);
}

#if __cplusplus >= 201703L && defined(__cpp_lib_memory_resource)

/* A std::pmr::memory_resource on a heap, which must outlive it. Two of them are equal if they are
 * on the same heap. */
class memory_resource : public std::pmr::memory_resource {
public:
    explicit memory_resource(ta_heap_t *heap) noexcept
        : handle(heap)
    {
    }

    explicit memory_resource(heap &heap) noexcept
        : handle(heap.get())
    {
    }

    ta_heap_t *get() const noexcept { return handle; }

private:
    void *do_allocate(std::size_t bytes, std::size_t alignment) override { return detail::allocate(handle, bytes, alignment); }

    void do_deallocate(void *block, std::size_t, std::size_t) override { ta_heap_free(handle, block); }

    bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
    {
        if (this == &other) return true;
#if defined(__cpp_rtti) || defined(__GXX_RTTI)
        const memory_resource *same = dynamic_cast<const memory_resource *>(&other);
        return same != nullptr && same->handle == handle;
#else
        // Without type information only itself is known to be of this class.
        return false;
#endif
    }

    ta_heap_t *handle;
};

#endif

} // namespace tinyalloc

#endif
