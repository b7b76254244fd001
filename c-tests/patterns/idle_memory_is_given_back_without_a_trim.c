/* Decay: what a burst left behind goes back while the program goes on with little. */
#include "expect.h"
#include <time.h>

enum { BLOCKS = 64 * 1024, BLOCK_BYTES = 1000, SECONDS_MAX = 30 };

int main(void)
{
    static void *block[BLOCKS];
    require_tinyalloc();
    memset(block, 1, sizeof block);
    size_t before = resident_bytes();
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(BLOCK_BYTES);
        EXPECT(block[i] != NULL);
        memset(block[i], 1, BLOCK_BYTES);
    }
    for (int i = 0; i < BLOCKS; i++) free(block[i]);
    for (time_t end = time(NULL) + SECONDS_MAX; time(NULL) < end;) {
        for (int i = 0; i < 2000; i++) block[i] = malloc((size_t)(i * 37 % 4000));
        for (int i = 0; i < 2000; i++) free(block[i]);
        if (resident_bytes() <= before + 16 * MIB) return 0;
        usleep(5000);
    }
    EXPECT(!"idle memory was returned in 30 s");
}
