/* Two functions that allocate known amounts, in blocks of all sizes; a third one frees a part in
 * another thread. The estimates are right to a few standard errors, which are known. */
#include "profile.h"

enum { INTERVAL = 16 << 10, SMALL = 64, MEDIUM = 3000, LARGE = 100000 };
enum { SMALL_BLOCKS = 60000, MEDIUM_BLOCKS = 1500, LARGE_BLOCKS = 60, ROUNDS = 100000 };

static void *small_block[SMALL_BLOCKS], *medium_block[MEDIUM_BLOCKS], *large_block[LARGE_BLOCKS];

/* Between two marks in the code, which tell callers apart without symbols. */
#define FUNCTION __attribute__((noinline, no_reorder, section(".text.measured")))

FUNCTION static void allocate_all(void **block, int blocks, size_t bytes)
{
    for (int i = 0; i < blocks; i++) {
        block[i] = malloc(bytes);
        EXPECT(block[i] != NULL);
        memset(block[i], i, bytes);
    }
}

FUNCTION static void churn(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        void *volatile block = malloc(SMALL);
        free(block);
    }
}

FUNCTION static void behind(void) { __asm__ volatile(""); }

static void *free_half(void *nothing)
{
    for (int i = 0; i < SMALL_BLOCKS / 2; i++) free(small_block[i]);
    return nothing;
}

/* 1 - exp(-x), for numbers that are not far above 1. */
static double sampled_part(double x)
{
    double part = x / 1024;
    part *= 1 - part / 2;
    for (int i = 0; i < 10; i++) part *= 2 - part;
    return part;
}

/* Within five standard errors, or three blocks: of a few blocks, nearly all of which are sampled,
 * that is as rare. */
static void expect_near(double estimate, double bytes, double block_bytes)
{
    double part = sampled_part(block_bytes / INTERVAL), blocks = bytes / block_bytes;
    double variance = block_bytes * block_bytes * blocks * (1 - part) / part + 1, away = estimate - bytes;
    double most = 25 * variance + 9 * block_bytes * block_bytes;
    if (away * away > most) say("%.0f instead of %.0f, variance %.0f\n", estimate, bytes, variance);
    EXPECT(away * away <= most);
}

int main(void)
{
    static struct dump dump;
    require_tinyalloc();
    EXPECT(option_set("profile", "16K") == 0);
    EXPECT(option_is("profile", "16384"));
    allocate_all(small_block, SMALL_BLOCKS, SMALL);
    churn();
    const char *text = dump_now(&dump);
    EXPECT(strncmp(text, "heap profile: ", 14) == 0 && strstr(text, "] @ heap_v2/16384\n") != NULL);
    EXPECT(strstr(text, "\nMAPPED_LIBRARIES:\n") != NULL && strstr(text, "\nTINYALLOC:\n{\"profile\":{\"version\":1,") != NULL);
    EXPECT(number_after(text, "\"lost_samples\":") == 0 && number_after(text, "\"lost_frees\":") == 0);
    uintptr_t filling = (uintptr_t)allocate_all, churning = (uintptr_t)churn, end = (uintptr_t)behind;
    EXPECT(filling < churning && churning < end);
    expect_near(bytes_of(text, "live", filling, churning), (double)SMALL * SMALL_BLOCKS, SMALL);
    expect_near(bytes_of(text, "total", churning, end), (double)SMALL * ROUNDS, SMALL);
    EXPECT(bytes_of(text, "live", churning, end) == 0);

    join(start(free_half, NULL));
    text = dump_now(&dump);
    expect_near(bytes_of(text, "live", filling, churning), (double)SMALL * SMALL_BLOCKS / 2, SMALL);
    expect_near(bytes_of(text, "total", filling, churning), (double)SMALL * SMALL_BLOCKS, SMALL);
    EXPECT(number_after(text, "\"freed_elsewhere\":") > 0);

    double before = bytes_of(text, "live", filling, churning);
    allocate_all(medium_block, MEDIUM_BLOCKS, MEDIUM);
    text = dump_now(&dump);
    double medium = bytes_of(text, "live", filling, churning) - before;
    expect_near(medium, (double)malloc_usable_size(medium_block[0]) * MEDIUM_BLOCKS, MEDIUM);
    allocate_all(large_block, LARGE_BLOCKS, LARGE);
    text = dump_now(&dump);
    double large = bytes_of(text, "live", filling, churning) - before - medium;
    expect_near(large, (double)malloc_usable_size(large_block[0]) * LARGE_BLOCKS, LARGE);
    EXPECT(number_after(text, "\"peak_bytes\":") >= number_after(text, "\"live_bytes\":"));

    EXPECT(option_set("profile", "off") == 0 && option_is("profile", "off"));
    for (int i = SMALL_BLOCKS / 2; i < SMALL_BLOCKS; i++) free(small_block[i]);
    for (int i = 0; i < MEDIUM_BLOCKS; i++) free(medium_block[i]);
    for (int i = 0; i < LARGE_BLOCKS; i++) free(large_block[i]);
    EXPECT(bytes_of(dump_now(&dump), "live", filling, end) == 0);
}
