#include "stats.h"

struct collected {
    char text[64 * 1024];
    size_t bytes, parts;
};

static void collect(void *context, const char *text, size_t bytes)
{
    struct collected *collected = context;
    EXPECT(bytes > 0 && bytes <= 512);
    EXPECT(collected->bytes + bytes < sizeof collected->text);
    memcpy(collected->text + collected->bytes, text, bytes);
    collected->bytes += bytes;
    collected->parts++;
    /* No lock is held. */
    free(hidden(malloc(100)));
    EXPECT(stats().committed > 0);
}

int main(void)
{
    static struct collected collected;
    static char whole[64 * 1024];
    int (*hand_on)(int, void (*)(void *, const char *, size_t), void *) =
        (int (*)(int, void (*)(void *, const char *, size_t), void *))need("ta_stats_write");
    require_tinyalloc();
    free(hidden(malloc(100)));
    size_t bytes = stats_text(PROMETHEUS, whole, sizeof whole);
    EXPECT(hand_on(PROMETHEUS, collect, &collected) == 0);
    EXPECT(collected.parts > 1);
    EXPECT(collected.bytes == bytes && memcmp(collected.text, whole, bytes) == 0);
    errno = ERRNO_UNTOUCHED;
    EXPECT(hand_on(JSON, NULL, NULL) == -1 && errno == EINVAL);
    EXPECT(hand_on(FORMATS, collect, &collected) == -1);
}
