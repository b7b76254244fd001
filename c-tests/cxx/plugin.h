#ifndef PLUGIN_H
#define PLUGIN_H

#include "expect.h"

UNUSED static void *plugin_open(const char *path, int how)
{
    void *plugin = dlopen(path, how);
    if (!plugin) say("%s\n", dlerror());
    EXPECT(plugin != NULL);
    return plugin;
}

UNUSED static int plugin_ask(void *plugin, const char *name, size_t bytes)
{
    int (*ask)(size_t) = (int (*)(size_t))dlsym(plugin, name);
    EXPECT(ask != NULL);
    return ask(bytes);
}

#endif
