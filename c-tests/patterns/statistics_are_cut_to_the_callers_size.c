/* A program built against a shorter or longer struct must not be written beyond its end. */
#include "expect.h"

int main(void)
{
    require_tinyalloc();
    int (*ask)(struct ta_stats *, size_t) = (int (*)(struct ta_stats *, size_t))symbol("ta_stats");
    struct {
        struct ta_stats known;
        size_t beyond[8];
    } room;
    memset(&room, 0xEE, sizeof room);
    EXPECT(ask(&room.known, sizeof(size_t)) == 0);
    EXPECT(room.known.allocated != (size_t)0xEEEEEEEEEEEEEEEE);
    EXPECT(room.known.committed == (size_t)0xEEEEEEEEEEEEEEEE);
    (void)ask(&room.known, sizeof room);
    EXPECT(room.known.allocated != (size_t)0xEEEEEEEEEEEEEEEE);
}
