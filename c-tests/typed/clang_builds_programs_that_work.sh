# Containers, strings, arrays, exceptions and threads of C++, with tokens, in the modes of Clang and with both calls.
. "$C_TESTS/typed/clang.bash"
cat > program.cpp << 'END'
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>
struct alignas(128) wide { char bytes[128]; };
struct node { node *next; int value; };
static void work(int seed)
{
    std::map<std::string, std::vector<int>> map;
    std::vector<std::unique_ptr<wide>> wides;
    node *list = nullptr;
    for (int i = 0; i < 3000; i++) {
        auto &values = map[std::to_string((seed * 7919 + i * 31) % 500) + std::string(i % 60, 'x')];
        values.push_back(i);
        if (values.size() > 3) map.erase(map.begin());
        wides.emplace_back(new wide);
        if ((unsigned long)wides.back().get() % 128 != 0) std::abort();
        list = new node{list, i};
        char *text = (char *)std::malloc(i % 200 + 1);
        text = (char *)std::realloc(text, i % 3000 + 1);
        text[i % 3000] = 1;
        std::free(text);
        long *longs = (long *)std::calloc(i % 40 + 1, sizeof(long));
        if (longs[i % 40] != 0) std::abort();
        std::free(longs);
    }
    for (int i = 2999; list; i--) {
        node *next = list->next;
        if (list->value != i) std::abort();
        delete list;
        list = next;
    }
}
int main()
{
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) threads.emplace_back(work, i);
    for (auto &thread : threads) thread.join();
    volatile size_t much = ~(size_t)0 / 4;
    try {
        char *volatile text = new char[much];
        delete[] text;
        return 1;
    } catch (const std::bad_alloc &) {
    }
    char *volatile none = new (std::nothrow) char[much];
    return none == nullptr ? 0 : 2;
}
END
run() {
    for options in "" partitions=2 partitions=3 partitions=8 partitions=4,hardened=on; do
        TINYALLOC_OPTIONS=$options "./$1" || { echo "$1 with \"$options\": exit status $?"; exit 1; }
    done
}
for mode in typehashpointersplit typehash random increment; do
    build "$mode" program.cpp -Xclang -falloc-token-mode=$mode
    run "$mode"
done
build fast program.cpp -falloc-token-max=4 -fsanitize-alloc-token-fast-abi
run fast
nm -u typehash | grep -q __alloc_token__Znwm && nm -u fast | grep -q __alloc_token_3__Znwm
