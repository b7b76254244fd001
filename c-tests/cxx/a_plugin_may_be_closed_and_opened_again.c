// plugin: plugin.cpp
#include "plugin.h"

int main(int count, char **argument)
{
    EXPECT(count == 2);
    for (int i = 0; i < 50; i++) {
        void *plugin = plugin_open(argument[1], RTLD_NOW | RTLD_LOCAL);
        EXPECT(plugin_ask(plugin, "plugin_works", 0) == 1);
        EXPECT(plugin_ask(plugin, "plugin_catches_bad_alloc", SIZE_MAX) == 1);
        EXPECT(dlclose(plugin) == 0);
    }
}
