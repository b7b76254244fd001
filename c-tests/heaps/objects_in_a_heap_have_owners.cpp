#include <memory>
#include <string>
#include <thread>

#include "containers.h"

static int alive;

struct First {
    virtual ~First() = default;
    char bytes[40];
};

struct Second {
    Second() { alive++; }
    virtual ~Second() { alive--; }
    int value = 7;
};

struct Both : First, Second {
    explicit Both(std::unique_ptr<int> given) : taken(std::move(given)) {}
    std::unique_ptr<int> taken;
};

struct Plain {
    int value;
};
struct Derived : Plain {
    int more;
};

template <class T>
using owner = std::unique_ptr<T, tinyalloc::deleter<T>>;

static_assert(sizeof(owner<Both>) == sizeof(void *), "");
static_assert(std::is_convertible<owner<Both>, owner<Second>>::value && std::is_convertible<owner<Both>, owner<const Both>>::value, "");
static_assert(!std::is_convertible<owner<Derived>, owner<Plain>>::value && !std::is_convertible<owner<Second>, owner<Both>>::value, "");

int main()
{
    tinyalloc::heap heap("objects");
    auto both = tinyalloc::make_unique<Both>(heap, std::make_unique<int>(3));
    EXPECT(heap.contains(both.get()) && *both->taken == 3 && alive == 1);
    // The block does not start where this base does.
    owner<Second> second = std::move(both);
    EXPECT(alive == 1 && second->value == 7);
    std::thread([](owner<Second> taken) { EXPECT(taken->value == 7); }, std::move(second)).join();
    owner<const Both> constant = tinyalloc::make_unique<Both>(heap, nullptr);
    EXPECT(alive == 1 && constant->value == 7);
    constant.reset();
    heap.purge();
    EXPECT(alive == 0 && heap.stats().allocated == 0);
    {
        auto shared = std::allocate_shared<Both>(on<Both>(heap), nullptr);
        std::shared_ptr<Second> part = shared;
        EXPECT(heap.contains(part.get()) && alive == 1);
    }
    EXPECT(alive == 0 && is_empty(heap));
}
