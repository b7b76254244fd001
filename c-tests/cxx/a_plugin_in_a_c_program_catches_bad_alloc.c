// plugin: plugin.cpp
/* The C++ runtime arrives late and, opened RTLD_LOCAL, outside the global scope. */
#include "plugin.h"

int main(int count, char **argument)
{
    EXPECT(count == 2);
    void *plugin = plugin_open(argument[1], RTLD_NOW | RTLD_LOCAL);
    EXPECT(plugin_ask(plugin, "plugin_works", 0) == 1);
    EXPECT(plugin_ask(plugin, "plugin_catches_bad_alloc", SIZE_MAX) == 1);
    EXPECT(plugin_ask(plugin, "plugin_catches_bad_alloc", (size_t)PTRDIFF_MAX) == 1);
    EXPECT(plugin_ask(plugin, "plugin_nothrow_is_null", SIZE_MAX) == 1);
}
