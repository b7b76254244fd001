// modes: preload linked
// plugin: crosses.c
/* With RTLD_DEEPBIND, as PHP opens its extensions, a plugin's malloc and free would be the C
 * library's. */
#include "expect.h"

static void *plugin;

static void *of_plugin(const char *name)
{
    void *found = dlsym(plugin, name);
    EXPECT(found != NULL);
    return found;
}

static char *read_line(void)
{
    char *line = NULL;
    size_t bytes = 0;
    FILE *file = fopen("/proc/self/maps", "r");
    EXPECT(file != NULL);
    EXPECT(getline(&line, &bytes, file) > 0);
    fclose(file);
    return line;
}

static void give(size_t bytes)
{
    void (*plugin_frees)(void *) = (void (*)(void *))of_plugin("plugin_frees");
    void *(*plugin_grows)(void *, size_t) = (void *(*)(void *, size_t))of_plugin("plugin_grows");
    plugin_frees(read_line());
    plugin_frees(malloc(bytes));
    char *block = malloc(bytes);
    fill(block, bytes, 1);
    block = plugin_grows(block, bytes * 3);
    EXPECT(is_filled(block, bytes, 1));
    plugin_frees(block);
}

static void take(size_t bytes)
{
    char *(*plugin_copies)(const char *) = (char *(*)(const char *))of_plugin("plugin_copies");
    char *(*plugin_prints)(int) = (char *(*)(int))of_plugin("plugin_prints");
    void *(*plugin_allocates)(size_t) = (void *(*)(size_t))of_plugin("plugin_allocates");
    char *copied = plugin_copies("a block of the plugin's"), *printed = plugin_prints(7);
    EXPECT(strcmp(copied, "a block of the plugin's") == 0 && strcmp(printed, "number 7") == 0);
    free(copied);
    free(printed);
    void *block = realloc(plugin_allocates(bytes), bytes * 2);
    EXPECT(block != NULL);
    free(block);
}

int main(int count, char **argument)
{
    EXPECT(count == 2);
    plugin = dlopen(argument[1], RTLD_NOW | RTLD_GLOBAL | RTLD_DEEPBIND);
    EXPECT(plugin != NULL);
    for (size_t bytes = 1; bytes < 64 * MIB; bytes = bytes * 7 + 1) {
        give(bytes);
        take(bytes);
    }
    EXPECT(dlclose(plugin) == 0);
}
