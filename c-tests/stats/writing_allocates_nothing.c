#include "stats.h"

static char text[64 * 1024];

static void write_all_formats(void)
{
    int null = open("/dev/null", O_WRONLY);
    for (int format = TEXT; format < FORMATS; format++) {
        stats_text(format, text, sizeof text);
        EXPECT(stats_print(format, null) == 0);
    }
    close(null);
}

int main(void)
{
    require_tinyalloc();
    free(hidden(malloc(100)));
    write_all_formats();
    struct all_stats before = all_stats();
    write_all_formats();
    struct all_stats after = all_stats();
    EXPECT(memcmp(&before, &after, sizeof before) == 0);
}
