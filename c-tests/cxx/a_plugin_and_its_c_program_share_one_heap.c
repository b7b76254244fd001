// plugin: plugin.cpp
#include "plugin.h"

int main(int count, char **argument)
{
    EXPECT(count == 2);
    void *plugin = plugin_open(argument[1], RTLD_NOW | RTLD_LOCAL);
    void *(*create)(size_t) = (void *(*)(size_t))dlsym(plugin, "plugin_new");
    void (*destroy)(void *) = (void (*)(void *))dlsym(plugin, "plugin_delete");
    EXPECT(create && destroy);
    for (size_t bytes = 1; bytes < MIB; bytes = bytes * 3 + 1) {
        void *block = create(bytes);
        EXPECT(malloc_usable_size(block) >= bytes);
        free(block);
        destroy(malloc(bytes));
    }
}
