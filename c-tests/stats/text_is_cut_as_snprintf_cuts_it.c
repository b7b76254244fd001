#include "stats.h"

int main(void)
{
    static char whole[64 * 1024], part[64 * 1024];
    require_tinyalloc();
    for (int format = TEXT; format < FORMATS; format++) {
        size_t bytes = stats_text(format, whole, sizeof whole);
        EXPECT(bytes > 300 && bytes == strlen(whole));
        EXPECT(whole[bytes - 1] == '\n');
        EXPECT(stats_text(format, NULL, 0) == bytes);
        for (size_t room = 1; room < 1600; room += 31) {
            memset(part, 'x', sizeof part);
            EXPECT(stats_text(format, part, room) == bytes);
            EXPECT(strlen(part) == (room <= bytes ? room - 1 : bytes));
            EXPECT(memcmp(part, whole, strlen(part)) == 0);
            EXPECT(part[room] == 'x');
        }
    }
    errno = ERRNO_UNTOUCHED;
    EXPECT(stats_text(FORMATS, whole, sizeof whole) == 0 && errno == EINVAL);
    EXPECT(stats_text(-1, whole, sizeof whole) == 0);
}
