/* A server keeps one object in fifty of a burst and works on, without a trim: the pages without a
 * live block go back while it does. */
#include "survivors.h"

enum { BLOCKS = 25000, LEAST = 200, MOST = 1800, ONE_IN = 50, SECONDS_MAX = 8 };

static struct block block[BLOCKS];

/* Less than a page of the heap, and slow paths now and then. */
static void works(void)
{
    static void *busy[64];
    for (size_t i = 0; i < COUNT_OF(busy); i++) EXPECT((busy[i] = malloc(9000)) != NULL);
    for (size_t i = 0; i < COUNT_OF(busy); i++) free(busy[i]);
    usleep(2000);
}

int main(void)
{
    require_tinyalloc();
    require_small_pages();
    memset(block, 0xFF, sizeof block);
    memset(block, 0, sizeof block);
    works();
    size_t before = resident_bytes();
    make_blocks(block, BLOCKS, LEAST, MOST);
    thin_out(block, BLOCKS, ONE_IN);
    size_t budget = bytes_of_pages_with(block, BLOCKS) * 3 / 2 + 2 * MIB;
    EXPECT(resident_bytes() > before + budget * 2);
    double end = seconds_now() + SECONDS_MAX;
    while (resident_bytes() > before + budget && seconds_now() < end) works();
    EXPECT_RESIDENT_AT_MOST(before, budget);
    check_blocks(block, BLOCKS);
    free_blocks(block, BLOCKS);
    return 0;
}
