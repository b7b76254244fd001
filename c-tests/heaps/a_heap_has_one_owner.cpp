#include <cstring>
#include <type_traits>
#include <vector>

#include "containers.h"

static_assert(!std::is_copy_constructible<tinyalloc::heap>::value && !std::is_copy_assignable<tinyalloc::heap>::value, "");
static_assert(std::is_nothrow_move_constructible<tinyalloc::heap>::value && std::is_nothrow_move_assignable<tinyalloc::heap>::value, "");
static_assert(sizeof(tinyalloc::heap) == sizeof(void *), "");
static_assert(!std::is_move_constructible<tinyalloc::current_heap>::value, "");
static_assert(!std::is_constructible<tinyalloc::allocator<int>, std::nullptr_t>::value, "");

static bool is_live(ta_heap_t *handle) { return ta_heap_name(handle) != nullptr; }

static void owners_move()
{
    tinyalloc::heap first("first", 5000000), second("second");
    ta_heap_t *one = first.get(), *other = second.get();
    EXPECT(first && strcmp(first.name(), "first") == 0 && first.limit() == 5000000 && second.limit() == 0);
    tinyalloc::heap moved(std::move(first));
    EXPECT(moved.get() == one && !first && first.get() == nullptr);
    moved = std::move(second);
    EXPECT(moved.get() == other && !is_live(one) && is_live(other));
    tinyalloc::heap &itself = moved;
    moved = std::move(itself);
    EXPECT(moved.get() == other && is_live(other));
    swap(first, moved);
    EXPECT(first.get() == other && !moved);
    EXPECT(first.release() == other && !first && is_live(other));
    {
        tinyalloc::heap again(other);
        EXPECT(is_live(other));
    }
    EXPECT(!is_live(other));
}

static void an_empty_one_is_harmless()
{
    tinyalloc::heap empty(static_cast<ta_heap_t *>(nullptr));
    EXPECT(!empty && empty.name() == nullptr && empty.limit() == 0 && empty.stats().allocated == 0);
    EXPECT(!empty.reset() && !empty.purge() && !empty.set_limit(1) && !empty.contains(&empty) && !empty.contains(nullptr));
    EXPECT(throws<std::system_error>([&] { tinyalloc::allocator<int>(empty).allocate(1); }));
    EXPECT(throws<std::system_error>([&] { tinyalloc::current_heap scope(empty); }));
}

static void mistakes_throw()
{
    EXPECT(throws<std::system_error>([] { tinyalloc::heap heap("\xff\xff"); }));
    EXPECT(throws<std::system_error>([] { tinyalloc::heap heap("flags", 0, 1u << 30); }));
}

static void a_scope_ends_as_it_was_left()
{
    tinyalloc::heap outer("outer"), inner("inner");
    {
        tinyalloc::current_heap scope(outer);
        std::vector<int> row(1000);
        EXPECT(outer.contains(row.data()) && ta_heap_current() == outer.get());
        EXPECT(throws<int>([&] {
            tinyalloc::current_heap deeper(inner.get());
            row.reserve(2000);
            EXPECT(inner.contains(row.data()));
            throw 7;
        }));
        EXPECT(ta_heap_current() == outer.get());
        tinyalloc::current_heap global(ta_heap_global());
        EXPECT(ta_heap_owner(std::vector<int>(10).data()) == ta_heap_global());
    }
    EXPECT(ta_heap_current() == ta_heap_global());
    int depth = 0;
    EXPECT(throws<std::system_error>([&] {
        auto deeper = [&](auto &self) -> void {
            tinyalloc::current_heap scope(outer);
            if (++depth < 1000) self(self);
        };
        deeper(deeper);
    }));
    EXPECT(depth == 48 && ta_heap_current() == ta_heap_global());
}

static void destroy_the_current_heap()
{
    std::set_terminate([] { _exit(41); });
    tinyalloc::heap heap("current");
    ta_heap_push(heap.get());
}

int main()
{
    owners_move();
    an_empty_one_is_harmless();
    mistakes_throw();
    a_scope_ends_as_it_was_left();
    pid_t child = fork();
    if (child == 0) {
        destroy_the_current_heap();
        _exit(0);
    }
    int status = 0;
    EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 41);
}
