/* Parent and child allocate and free what the other one had; neither sees the other's samples. */
#include "profile.h"

enum { BLOCKS = 2000, BYTES = 4000 };

int main(void)
{
    static struct dump dump;
    static void *block[BLOCKS];
    require_tinyalloc();
    EXPECT(option_set("profile", "4K") == 0);
    for (int i = 0; i < BLOCKS; i++) block[i] = malloc(BYTES);
    double live = number_after(dump_now(&dump), "\"live_bytes\":");
    EXPECT(live > BLOCKS * BYTES * 0.8 && live < BLOCKS * BYTES * 1.3);
    pid_t child = fork();
    if (child == 0) {
        EXPECT(number_after(dump_now(&dump), "\"live_bytes\":") < 100000);
        for (int i = 0; i < BLOCKS; i++) free(block[i]);
        for (int i = 0; i < BLOCKS / 4; i++) block[i] = malloc(BYTES);
        double own = number_after(dump_now(&dump), "\"live_bytes\":");
        EXPECT(own > BLOCKS / 4 * BYTES * 0.6 && own < BLOCKS / 4 * BYTES * 1.5);
        _exit(0);
    }
    expect_child_exits_0(child);
    EXPECT(number_after(dump_now(&dump), "\"live_bytes\":") >= live * 0.9);
}
