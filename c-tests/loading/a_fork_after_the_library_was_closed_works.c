// modes: bare
#include "expect.h"

int main(void)
{
    watchdog(50);
    void *library = dlopen(getenv("LIB_SO"), RTLD_NOW | RTLD_LOCAL);
    EXPECT(library != NULL);
    void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
    EXPECT(allocate(100) != NULL);
    EXPECT(dlclose(library) == 0);
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0) _exit(malloc(100) == NULL);
        expect_child_exits_0(child);
    }
}
