// plugin: plugin.cpp
#include "plugin.h"

int main(int count, char **argument)
{
    EXPECT(count == 2);
    void *plugin = plugin_open(argument[1], RTLD_LAZY | RTLD_GLOBAL);
    EXPECT(plugin_ask(plugin, "plugin_works", 0) == 1);
    EXPECT(plugin_ask(plugin, "plugin_catches_bad_alloc", SIZE_MAX) == 1);
}
