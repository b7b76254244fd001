#include "../options/options.h"

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) {
        for (size_t bytes = 24; bytes <= 32 * KIB; bytes += bytes / 2) {
            unsigned char *block = malloc(bytes);
            memset(block, 0xa5, bytes);
            unsigned char *volatile freed = block;
            free(block);
            EXPECT(is_zero(freed + 16, bytes - 16));
        }
        return 0;
    }
    struct run run = run_with("zero_on_free=on", "clear");
    EXPECT(succeeded(&run));
    EXPECT(option_is("zero_on_free", "off") && option_set("zero_on_free", "on") == -1 && errno == EBUSY);
}
