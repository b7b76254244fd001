// modes: bare
/* In a program that runs on the system's malloc: its blocks and ours live side by side, through
 * dlopen's handle. */
#include "expect.h"

int main(void)
{
    const char *path = getenv("LIB_SO");
    EXPECT(path != NULL);
    for (int round = 0; round < 20; round++) {
        void *library = dlopen(path, round % 2 ? RTLD_NOW | RTLD_LOCAL : RTLD_LAZY | RTLD_LOCAL);
        if (!library) say("%s\n", dlerror());
        EXPECT(library != NULL);
        void *(*allocate)(size_t) = (void *(*)(size_t))dlsym(library, "malloc");
        void (*release)(void *) = (void (*)(void *))dlsym(library, "free");
        EXPECT(allocate && allocate != malloc);
        void *ours[100], *theirs[100];
        for (size_t i = 0; i < 100; i++) {
            ours[i] = allocate(i * 100);
            theirs[i] = malloc(i * 100);
            fill(ours[i], i * 100, 1);
            fill(theirs[i], i * 100, 2);
        }
        for (size_t i = 0; i < 100; i++) {
            EXPECT(is_filled(ours[i], i * 100, 1) && is_filled(theirs[i], i * 100, 2));
            release(ours[i]);
            free(theirs[i]);
        }
        EXPECT(dlclose(library) == 0);
    }
}
