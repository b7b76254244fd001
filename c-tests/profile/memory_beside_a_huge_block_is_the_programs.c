/* The kernel makes one mapping of a huge block and of what the program maps right beside it. */
#include "profile.h"

#include <sys/mman.h>

enum { HUGE_MIB = 60, BESIDE_MIB = 20 };

static void range_around(const void *address, char **start, char **end)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4096];
    *start = *end = NULL;
    EXPECT(maps != NULL);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from <= (unsigned long)address && (unsigned long)address < to) {
            *start = (char *)from;
            *end = (char *)to;
        }
    }
    fclose(maps);
    EXPECT(*start != NULL);
}

static int map_at(char *address)
{
    size_t bytes = (size_t)BESIDE_MIB * MIB;
    char *mapped = mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (mapped == MAP_FAILED) return 0;
    memset(mapped, 1, bytes);
    return 1;
}

int main(void)
{
    static struct dump dump;
    require_tinyalloc();
    EXPECT(option_set("profile", "64K") == 0);
    const char *text = strstr(dump_now(&dump), "\"resident\":{");
    double own = number_after(text, "\"own\":"), other = number_after(text, "\"other\":");

    char *block = malloc((size_t)HUGE_MIB * MIB), *start, *end;
    memset(block, 1, (size_t)HUGE_MIB * MIB);
    range_around(block, &start, &end);
    int beside = map_at(start - (size_t)BESIDE_MIB * MIB) + map_at(end);
    if (beside == 0) exit(77);

    text = strstr(dump_now(&dump), "\"resident\":{");
    double own_more = number_after(text, "\"own\":") - own, other_more = number_after(text, "\"other\":") - other;
    if (own_more > (HUGE_MIB + 1) * MIB || other_more < beside * BESIDE_MIB * MIB)
        say("%.0f of ours, %.0f beside it\n", own_more, other_more);
    EXPECT(own_more >= HUGE_MIB * MIB && own_more <= (HUGE_MIB + 1) * MIB);
    EXPECT(other_more >= beside * BESIDE_MIB * MIB && other_more <= (beside * BESIDE_MIB + 2) * MIB);
}
