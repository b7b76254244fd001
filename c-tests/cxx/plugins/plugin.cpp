// Loaded into a C program, which has no C++ runtime of its own.
#include <cstddef>
#include <map>
#include <new>
#include <stdexcept>
#include <string>

static int handler_calls;

static void gives_up_at_the_third()
{
    if (++handler_calls == 3) std::set_new_handler(nullptr);
}

extern "C" int plugin_catches_bad_alloc(std::size_t bytes)
{
    try {
        void *volatile block = operator new(bytes);
        operator delete(block);
    } catch (const std::bad_alloc &) {
        return 1;
    }
    return 0;
}

extern "C" int plugin_nothrow_is_null(std::size_t bytes) { return operator new(bytes, std::nothrow) == nullptr; }

extern "C" int plugin_handler_calls(std::size_t bytes)
{
    handler_calls = 0;
    std::set_new_handler(gives_up_at_the_third);
    plugin_catches_bad_alloc(bytes);
    return handler_calls;
}

extern "C" int plugin_works()
{
    std::map<std::string, std::string> words;
    for (int i = 0; i < 1000; i++) words[std::to_string(i)] = std::string(static_cast<std::size_t>(i), 'w');
    try {
        (void)words.at("absent");
    } catch (const std::out_of_range &) {
        return words.at("999").size() == 999;
    }
    return 0;
}

extern "C" void *plugin_new(std::size_t bytes) { return operator new(bytes); }
extern "C" void plugin_delete(void *block) { operator delete(block); }
