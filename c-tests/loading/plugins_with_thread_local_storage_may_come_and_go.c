// plugin: plugin.c
/* The dynamic linker allocates on TLS access, at dlopen and at dlclose: each is a call into us from
 * inside it. */
#include "expect.h"

static volatile bool stop;
static int (*volatile runs)(int);

static void *body(void *ignored)
{
    for (int i = 0; i < 200; i++) EXPECT(runs(i) == 1);
    return ignored;
}

static void *busy(void *ignored)
{
    for (unsigned i = 0; !stop; i++) free(malloc(i * 61 % 3000));
    return ignored;
}

int main(int count, char **argument)
{
    EXPECT(count == 2);
    watchdog(50);
    pthread_t thread = start(busy, NULL);
    for (int round = 0; round < 200; round++) {
        void *plugin = dlopen(argument[1], round % 2 ? RTLD_NOW : RTLD_LAZY);
        EXPECT(plugin != NULL);
        runs = (int (*)(int))dlsym(plugin, "plugin_runs");
        EXPECT(runs != NULL);
        run_in_thread(body, NULL);
        EXPECT(runs(round) == 1);
        EXPECT(dlclose(plugin) == 0);
    }
    stop = true;
    join(thread);
}
