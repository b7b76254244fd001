#include "options.h"
#include <sys/prctl.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

enum { MAPS_BYTES_MAX = 1 << 20, BLOCKS = 60000, BLOCK_BYTES = 1000, MORE_MAX = 2 };

static char maps[MAPS_BYTES_MAX];
static char *block[BLOCKS];

static void read_maps(void)
{
    int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) skip("no /proc/self/maps");
    maps[read_all(file, maps, sizeof maps - 1)] = 0;
    close(file);
}

/* Whether the mapping that an address lies in has a name, as of the last look. */
static bool is_named(const void *address, const char *name)
{
    for (char *line = maps, *end; (end = strchr(line, '\n')); line = end + 1) {
        unsigned long from, to;
        EXPECT(sscanf(line, "%lx-%lx", &from, &to) == 2);
        const char *found = strstr(line, name);
        if (from <= (uintptr_t)address && (uintptr_t)address < to) return found && found < end;
    }
    return false;
}

static int lines(void)
{
    int count = 0;
    for (const char *at = maps; (at = strchr(at, '\n')); at++) count++;
    return count;
}

static void fill_heap(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        EXPECT((block[i] = malloc(BLOCK_BYTES)) != NULL);
        memset(block[i], i, BLOCK_BYTES);
    }
}

/* How many mappings there are, told to the parent. */
static int count_mappings(void)
{
    fill_heap();
    char *huge = malloc(40 * MIB);
    EXPECT(huge && (huge = realloc(huge, 90 * MIB)));
    for (int i = 0; i < BLOCKS; i += 2) free(block[i]);
    malloc_trim(0);
    read_maps();
    say("%d\n", lines());
    return 0;
}

static int look(void)
{
    static const char SPANS[] = "[anon:tinyalloc: spans]", BLOCKS_NAME[] = "[anon:tinyalloc: blocks]";
    char *first = malloc(100);
    read_maps();
    EXPECT(is_named(first, SPANS) && strstr(maps, "[anon:tinyalloc: metadata]"));
    fill_heap();
    char *large = malloc(2 * MIB), *huge = malloc(40 * MIB);
    EXPECT(large && huge);
    read_maps();
    for (int i = 0; i < BLOCKS; i++) EXPECT(is_named(block[i], SPANS));
    EXPECT(is_named(large, SPANS) && is_named(huge, BLOCKS_NAME) && is_named(huge + 40 * MIB - 1, BLOCKS_NAME));
    EXPECT((huge = realloc(huge, 400 * MIB)) != NULL);
    for (int i = 0; i < BLOCKS; i += 2) free(block[i]);
    malloc_trim(0);
    read_maps();
    EXPECT(is_named(huge, BLOCKS_NAME) && is_named(huge + 400 * MIB - 1, BLOCKS_NAME));
    for (int i = 1; i < BLOCKS; i += 2) EXPECT(is_named(block[i], SPANS));
    return 0;
}

/* What was mapped before has its name when it grows. */
static int begin_late(void)
{
    char *first = malloc(100);
    read_maps();
    EXPECT(!strstr(maps, "tinyalloc: "));
    EXPECT(option_set("name_mappings", "on") == 0);
    fill_heap();
    read_maps();
    EXPECT(is_named(first, "[anon:tinyalloc: spans]"));
    return 0;
}

static bool kernel_has_names(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(page != MAP_FAILED);
    return prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, page, 4096, "a page") == 0;
}

int main(int count, char **argument)
{
    require_tinyalloc();
    if (count > 1) return argument[1][0] == 'c' ? count_mappings() : argument[1][0] == 'l' ? look() : begin_late();
    struct run run = run_with("name_mappings=off", "count");
    EXPECT(succeeded(&run));
    int plain = atoi(run.output);
    run = run_with("name_mappings=on", "count");
    EXPECT(succeeded(&run));
    int named = atoi(run.output);
    if (!kernel_has_names()) {
        EXPECT(named == plain);
        skip("this kernel gives mappings no names");
    }
    /* A mapping of ours, and another beside it, were one. */
    say("%d mappings, %d with names\n", plain, named);
    EXPECT(named <= plain + MORE_MAX);
    run = run_with("name_mappings=on", "look");
    EXPECT(succeeded(&run));
    run = run_with("", "begin late");
    EXPECT(succeeded(&run));
}
