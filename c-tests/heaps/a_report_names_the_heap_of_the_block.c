#include "heap.h"

#include "../options/options.h"

/* So large that a span is cut slot by slot. */
enum { SLOT_BYTES = 16384 };

static ta_heap_t *heap;
static char label[64];
static void (*free_sized_)(void *, size_t);
static char *never;

static void *drop(void *block)
{
    free(block);
    return NULL;
}

static void twice(void)
{
    char *block = ta_heap_malloc(heap, 100);
    ta_heap_free(heap, block);
    ta_heap_free(heap, culprit(block));
}

static void twice_by_free(void)
{
    char *block = ta_heap_malloc(heap, 100);
    free(block);
    free(culprit(block));
}

static void twice_by_another_thread(void)
{
    char *block = ta_heap_malloc(heap, 100);
    free(block);
    run_in_thread(drop, culprit(block));
}

static void twice_in_the_current_heap(void)
{
    EXPECT(ta_heap_push(heap) == 0);
    char *block = malloc(100);
    free(block);
    free(culprit(block));
}

static char *inside(size_t bytes) { return (char *)culprit(ta_heap_malloc(heap, bytes)) + 16; }
static void free_inside(void) { free(inside(100)); }
static void free_inside_by_name(void) { ta_heap_free(heap, inside(100)); }
static void free_inside_by_another_thread(void) { run_in_thread(drop, inside(100)); }
static void free_inside_large(void) { free(inside(300 * KIB) + 100 * KIB); }
static void resize_inside(void) { EXPECT(!realloc(inside(100), 200)); }
static void measure_inside(void) { EXPECT(!malloc_usable_size(inside(100))); }
static void free_never_allocated(void) { free(culprit(never)); }

static void wrong_size(void)
{
    EXPECT(option_set("check_sizes", "on") == 0);
    free_sized_(culprit(ta_heap_malloc(heap, 100)), 1000);
}

static void overwrite(void)
{
    static char *block[1000];
    for (int i = 0; i < 1000; i++) block[i] = ta_heap_malloc(heap, 100);
    for (int i = 0; i < 1000; i++) ta_heap_free(heap, block[i]);
    for (int i = 0; i < 1000; i++) memset(hidden(block[i]), 'x', 16);
    for (int i = 0; i < 1000; i++) block[i] = ta_heap_malloc(heap, 100);
}

static void overflow(void)
{
    char *block = ta_heap_malloc(heap, 100);
    block[hidden_size(malloc_usable_size(block))] ^= 'x';
    free(culprit(block));
}

static int mistakes_in_the_global_heap(void)
{
    char *block = malloc(100), *other = malloc(100);
    free(block);
    free(hidden(block));
    free(hidden(other + 16));
    return 0;
}

static void expect_label(void (*mistake)(void), const char *before, const char *behind)
{
    char needle[200];
    snprintf(needle, sizeof needle, "%s%s%s", before, label, behind);
    expect_abort(mistake, needle);
}

static void expect_label_everywhere(void)
{
    expect_label(twice, "double free of %p (112-byte slot) in ", "");
    expect_label(twice_by_free, "double free of %p (112-byte slot) in ", "");
    expect_label(twice_by_another_thread, "double free of %p (112-byte slot) in ", "");
    expect_label(twice_in_the_current_heap, "double free of %p (112-byte slot) in ", "");
    expect_label(free_inside, ": 16 bytes inside the 112-byte slot at %p in ", "");
    expect_label(free_inside_by_name, ": 16 bytes inside the 112-byte slot at %p in ", "");
    expect_label(free_inside_by_another_thread, ": 16 bytes inside the 112-byte slot at %p in ", "");
    expect_label(free_inside_large, ": 102416 bytes inside the 307200-byte slot at %p in ", "");
    expect_label(resize_inside, ": 16 bytes inside the 112-byte slot at %p in ", "");
    expect_label(measure_inside, ": 16 bytes inside the 112-byte slot at %p in ", "");
    never = (char *)ta_heap_malloc(heap, SLOT_BYTES) + SLOT_BYTES;
    if (!ta_heap_contains(heap, never)) never -= 2 * SLOT_BYTES;
    expect_label(free_never_allocated, "invalid free of %p: no live block of ", " starts there");
    expect_label(wrong_size, "size mismatch: %p was freed as 1000 bytes, and is in a 112-byte slot of ", "");
    expect_label(overwrite, " in ", ": it was overwritten after it was freed");
}

static void make_heap(const char *name)
{
    heap = heap_of(name, 0);
    if (name)
        snprintf(label, sizeof label, "heap \"%s\"", name);
    else
        snprintf(label, sizeof label, "heap %p", (void *)heap);
}

int main(int arguments, char **argument)
{
    free_sized_ = (void (*)(void *, size_t))need("free_sized");
    if (arguments > 1 && strcmp(argument[1], "global") == 0) return mistakes_in_the_global_heap();
    if (arguments > 1) {
        culprit_prepare();
        make_heap(argument[1]);
        overflow();
        return 0;
    }
    make_heap("session");
    expect_label_everywhere();
    make_heap(NULL);
    expect_label_everywhere();
    struct run run = run_with("hardened=on", "packet");
    EXPECT(WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGABRT);
    EXPECT(output_has_line(run.output, "-byte slot) in heap \"packet\": a write went beyond the block's end"));
    run = run_with("on_error=report", "global");
    EXPECT(succeeded(&run) && output_has_line(run.output, "double free") && output_has_line(run.output, "16 bytes inside"));
    EXPECT(!strstr(run.output, "heap"));
}
