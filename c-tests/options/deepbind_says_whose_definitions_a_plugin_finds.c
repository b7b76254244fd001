// modes: preload linked
// plugin: conflicts.c
/* Without RTLD_DEEPBIND what the program defines comes first, malloc as well as a name that
 * conflicts. */
#include "options.h"

__attribute__((used)) const char *conflicting(void) { return "program"; }

static void expect_found(const char *path, const char *whose)
{
    void *plugin = dlopen(path, RTLD_NOW | RTLD_DEEPBIND);
    EXPECT(plugin != NULL);
    const char *(*finds)(void) = (const char *(*)(void))dlsym(plugin, "plugin_finds");
    void *(*finds_malloc)(void) = (void *(*)(void))dlsym(plugin, "plugin_malloc");
    EXPECT(finds != NULL && finds_malloc != NULL);
    EXPECT(strcmp(finds(), whose) == 0);
    EXPECT((finds_malloc() == (void *)malloc) == (strcmp(whose, "program") == 0));
    EXPECT(dlclose(plugin) == 0);
}

int main(int count, char **argument)
{
    require_tinyalloc();
    EXPECT(count == 2);
    if (strcmp(argument[0], "again") == 0) {
        bool keeps = option_is("deepbind", "keep");
        EXPECT(keeps || option_is("deepbind", "strip"));
        expect_found(argument[1], keeps ? "plugin" : "program");
        return 0;
    }
    const char *const options[] = {"deepbind=keep", "deepbind=strip", ""};
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        struct run run = run_with(options[i], argument[1]);
        EXPECT(succeeded(&run) && run.output[0] == 0);
    }
    expect_found(argument[1], "program");
    EXPECT(option_set("deepbind", "keep") == 0);
    expect_found(argument[1], "plugin");
    EXPECT(option_set("deepbind", "strip") == 0);
    expect_found(argument[1], "program");
}
