/* Threads that hold one block of every size class: what is resident is what was touched, not the
 * rest of its huge page. */
#include "survivors.h"

enum { THREADS = 40, SMALLEST = 16, LARGEST = 32 * 1024, SIZES_MAX = 64 };

static struct block block[THREADS][SIZES_MAX];
static pthread_barrier_t ready, over;

static void skip_where_every_page_is_huge(void)
{
    char text[64] = {0};
    int file = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    EXPECT(read(file, text, sizeof text - 1) > 0);
    close(file);
    if (strstr(text, "[always]")) skip("the system makes huge pages of its own accord");
}

static void *holds_one_of_each(void *table)
{
    struct block *next = table;
    for (size_t bytes = SMALLEST; bytes <= LARGEST; bytes = bytes * 9 / 8 + 16) make_block(next++, bytes);
    pthread_barrier_wait(&ready);
    pthread_barrier_wait(&over);
    free_blocks(table, SIZES_MAX);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];
    require_tinyalloc();
    require_small_pages();
    skip_where_every_page_is_huge();
    EXPECT(pthread_barrier_init(&ready, NULL, THREADS + 1) == 0);
    EXPECT(pthread_barrier_init(&over, NULL, THREADS + 1) == 0);
    size_t before = resident_bytes();
    for (int i = 0; i < THREADS; i++) thread[i] = start(holds_one_of_each, block[i]);
    pthread_barrier_wait(&ready);
    EXPECT_RESIDENT_AT_MOST(before, bytes_live(block[0], THREADS * SIZES_MAX) * 2 + 4 * MIB);
    pthread_barrier_wait(&over);
    for (int i = 0; i < THREADS; i++) join(thread[i]);
    return 0;
}
