#include "../options/options.h"

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments == 1) {
        struct run run = run_with("hardened=on", "again");
        EXPECT(succeeded(&run) && run.output[0] == 0);
        return 0;
    }
    size_t (*good_size)(size_t) = (size_t (*)(size_t))dlsym(RTLD_DEFAULT, "malloc_good_size");
    size_t (*would_give)(size_t, int) = (size_t (*)(size_t, int))dlsym(RTLD_DEFAULT, "nallocx");
    free(malloc(1));
    for (size_t bytes = 1; bytes < 40000; bytes += 1 + bytes / 7) {
        size_t good = good_size(bytes), given = would_give(bytes, 0);
        EXPECT(good >= bytes && given >= bytes);
        char *block = malloc(bytes);
        EXPECT(malloc_usable_size(block) >= good && malloc_usable_size(block) >= given);
        memset(block, 1, good > given ? good : given);
        free(block);
    }
}
