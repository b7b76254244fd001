// plugin: plugin.cpp
#include "plugin.h"

int main(int count, char **argument)
{
    EXPECT(count == 2);
    void *plugin = plugin_open(argument[1], RTLD_NOW | RTLD_LOCAL);
    EXPECT(plugin_ask(plugin, "plugin_handler_calls", SIZE_MAX) == 3);
}
