#include "expect.h"

static size_t bytes;

static void mistake(void)
{
    void *block = malloc(bytes);
    free(block);
    free(culprit(block));
}

int main(void)
{
    require_tinyalloc();
    for (bytes = 16; bytes <= 4096; bytes += bytes < 48 ? 32 : 208) {
        char needle[64];
        void *probe = malloc(bytes);
        snprintf(needle, sizeof needle, "double free of %%p (%zu-byte slot)", malloc_usable_size(probe));
        free(probe);
        expect_abort(mistake, needle);
    }
}
