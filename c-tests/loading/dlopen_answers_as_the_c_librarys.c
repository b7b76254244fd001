// modes: preload linked static
// plugin: plugin.c
/* A dlopen of ours may stand in front: NULL, RTLD_NOLOAD, other flags and dlerror() must come out
 * as ever. */
#include "expect.h"

static const char *path;
static pthread_barrier_t all_are_ready;

__attribute__((used)) int of_the_program(void) { return 1; }

static void expect_error(const char *file, int flags, const char *words)
{
    dlerror();
    EXPECT(dlopen(file, flags) == NULL);
    const char *error = dlerror();
    EXPECT(error != NULL);
    if (!strstr(error, words)) say("dlerror: %s\n", error);
    EXPECT(strstr(error, words) != NULL);
    EXPECT(dlerror() == NULL);
}

static void *opens_and_closes(void *argument)
{
    int flags = RTLD_NOW | ((uintptr_t)argument % 2 ? RTLD_DEEPBIND : 0);
    pthread_barrier_wait(&all_are_ready);
    for (int round = 0; round < 200; round++) {
        void *plugin = dlopen(path, flags);
        EXPECT(plugin != NULL && dlsym(plugin, "plugin_runs") != NULL);
        void *again = dlopen(path, flags | RTLD_NOLOAD);
        EXPECT(again == plugin);
        EXPECT(dlclose(again) == 0 && dlclose(plugin) == 0);
        expect_error("/nowhere/of_this_thread.so", flags, "/nowhere/of_this_thread.so: cannot open");
    }
    return NULL;
}

static void open_from_many_threads(void)
{
    pthread_t threads[8];
    EXPECT(pthread_barrier_init(&all_are_ready, NULL, COUNT_OF(threads)) == 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) threads[i] = start(opens_and_closes, (void *)i);
    for (size_t i = 0; i < COUNT_OF(threads); i++) join(threads[i]);
}

/* Through a handle: dlsym(RTLD_DEFAULT) would keep the plugin for good. */
static bool is_global(void)
{
    void *program = dlopen(NULL, RTLD_LAZY);
    EXPECT(program != NULL && dlsym(program, "of_the_program") == (void *)of_the_program);
    bool found = dlsym(program, "plugin_runs") != NULL;
    EXPECT(dlclose(program) == 0);
    return found;
}

static void open_with(int flags)
{
    EXPECT(dlopen(NULL, RTLD_NOW | flags) == dlopen(NULL, RTLD_NOW));
    EXPECT(dlopen(path, RTLD_NOW | RTLD_NOLOAD | flags) == NULL);
    expect_error("/nowhere/nothing.so", RTLD_NOW | flags, "/nowhere/nothing.so: cannot open");
    expect_error(path, flags, "invalid mode");
    void *local = dlopen(path, RTLD_NOW | flags);
    EXPECT(local != NULL && !is_global());
    void *global = dlopen(path, RTLD_NOW | RTLD_GLOBAL | flags);
    EXPECT(global == local && is_global());
    EXPECT(dlclose(local) == 0 && dlclose(global) == 0);
    EXPECT(dlopen(path, RTLD_NOW | RTLD_NOLOAD | flags) == NULL);
}

int main(int count, char **argument)
{
    EXPECT(count == 2);
    path = argument[1];
    watchdog(50);
    open_from_many_threads(); /* before any other: who comes first looks the next dlopen up */
    open_with(0);
    open_with(RTLD_DEEPBIND);
    EXPECT(dlopen(path, RTLD_NOW | RTLD_NODELETE) != NULL);
    EXPECT(dlclose(dlopen(path, RTLD_NOW)) == 0);
    EXPECT(dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL);
}
