#include "options.h"

enum { MISTAKES = 11 };

static void (*free_sized_)(void *, size_t);
static void (*free_aligned_sized_)(void *, size_t, size_t);
static void (*sdallocx_)(void *, size_t, int);

static void free_right_sizes(void)
{
    for (size_t bytes = 0; bytes < 300000; bytes += bytes / 50 + 1) {
        free_sized_(malloc(bytes), bytes);
        free_sized_(calloc(1, bytes), bytes);
        free_sized_(realloc(malloc(bytes * 3 + 100), bytes + 1), bytes + 1);
        free_sized_(realloc(malloc(bytes / 3), bytes + 1), bytes + 1);
        /* Stays where it is, in a slot larger than it would get. */
        free_sized_(realloc(malloc(bytes + bytes / 2 + 20), bytes + 1), bytes + 1);
        sdallocx_(malloc(bytes), bytes, 0);
        for (int shift = 0; shift < 18; shift++) {
            size_t align = (size_t)1 << shift;
            free_aligned_sized_(aligned_alloc(align, bytes), align, bytes);
            if (bytes % 7 == 0) sdallocx_(aligned_alloc(align, bytes), bytes, shift);
        }
    }
    for (size_t bytes = 30 * MIB; bytes < 40 * MIB; bytes += 700000) free_sized_(malloc(bytes), bytes);
    free_sized_(realloc(malloc(33 * MIB), 50 * MIB), 50 * MIB);
    free_sized_(NULL, 10);
    free_aligned_sized_(NULL, 64, 10);
}

static int make_mistakes(void)
{
    free_sized_(malloc(100), 1000);
    free_sized_(malloc(100), 113);
    free_sized_(malloc(1000), 100);
    free_sized_(malloc(100000), 100);
    free_sized_(malloc(100000), 200000);
    free_aligned_sized_(aligned_alloc(64, 100), 64, 300);
    free_aligned_sized_(aligned_alloc(64, 100), 63, 100);
    free_aligned_sized_(aligned_alloc(64, 64), (size_t)1 << 40, 64);
    sdallocx_(malloc(5000), 50, 0);
    free_sized_(malloc(0), 5);
    free_aligned_sized_(aligned_alloc(64, 0), 64, 16);
    return 0;
}

static void find(void)
{
    free_sized_ = (void (*)(void *, size_t))need("free_sized");
    free_aligned_sized_ = (void (*)(void *, size_t, size_t))need("free_aligned_sized");
    sdallocx_ = (void (*)(void *, size_t, int))need("sdallocx");
}

static void *once_freed;
static void free_twice(void)
{
    option_set("check_sizes", "on");
    once_freed = culprit(malloc(100));
    free_sized_(once_freed, 100);
    free_sized_(hidden(once_freed), 100);
}

static void free_wrong(void)
{
    option_set("check_sizes", "on");
    free_sized_(culprit(malloc(100)), 1000);
}

static void free_nothing_wrong(void)
{
    option_set("check_sizes", "on");
    free_sized_(culprit(malloc(0)), 5);
}

int main(int arguments, char **argument)
{
    require_tinyalloc();
    find();
    if (arguments > 1 && argument[1][0] == 'm') return make_mistakes();
    if (arguments > 1) {
        free_right_sizes();
        return 0;
    }
    struct run run = run_with("check_sizes=on", "right");
    EXPECT(succeeded(&run) && run.output[0] == 0);
    run = run_with("check_sizes=on,on_error=report", "mistakes");
    EXPECT(succeeded(&run));
    int mismatches = 0;
    for (char *line = run.output; (line = strstr(line, "tinyalloc: size mismatch: 0x")); line++) mismatches++;
    if (mismatches != MISTAKES) say("%s", run.output);
    EXPECT(mismatches == MISTAKES);
    run = run_with("check_sizes=off", "mistakes");
    EXPECT(succeeded(&run) && run.output[0] == 0);
    expect_abort(free_twice, "double free of %p");
    expect_abort(free_wrong, "size mismatch: %p was freed as 1000 bytes, and is in a 112-byte slot");
    expect_abort(free_nothing_wrong, "size mismatch: %p was freed as 5 bytes, and is in a 0-byte slot");
    EXPECT(option_set("check_sizes", "on") == 0);
    free_right_sizes();
    EXPECT(option_set("check_sizes", "off") == 0);
    make_mistakes();
}
