/* Resident memory of the allocator, of files, and of the program's own mappings: the parts add up
 * to what the kernel says of the process, and each has what was put there. */
#include "profile.h"

#include <sys/mman.h>

enum { SMALL = 200, OWN_MIB = 40, HUGE_MIB = 60, OTHER_MIB = 30 };

static void expect_near(double is, double should)
{
    if (is < 0.98 * should || is > 1.02 * should) say("%.0f, not %.0f\n", is, should);
    EXPECT(is >= 0.98 * should && is <= 1.02 * should);
}

int main(void)
{
    static struct dump dump;
    require_tinyalloc();
    EXPECT(option_set("profile", "64K") == 0);
    const char *text = dump_now(&dump);
    double before = number_after(text, "\"resident\":{\"own\":"), other = number_after(text, "\"files\":");
    EXPECT(before > 0 && other > 0);

    for (size_t bytes = 0; bytes < (size_t)OWN_MIB * MIB; bytes += SMALL) memset(malloc(SMALL), 1, SMALL);
    memset(malloc((size_t)HUGE_MIB * MIB), 1, (size_t)HUGE_MIB * MIB);
    void *mapped = mmap(NULL, (size_t)OTHER_MIB * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(mapped != MAP_FAILED);
    memset(mapped, 1, (size_t)OTHER_MIB * MIB);

    text = dump_now(&dump);
    double all = (double)resident_bytes(), own = number_after(text, "\"resident\":{\"own\":");
    const char *line = strstr(text, "\"resident\":{");
    expect_near(own + number_after(line, "\"files\":") + number_after(line, "\"other\":"), all);
    /* A slot of 208 bytes for each, and records. */
    expect_near(own - before, ((double)OWN_MIB * 208 / SMALL + HUGE_MIB) * MIB);
    EXPECT(number_after(line, "\"other\":") >= (double)OTHER_MIB * MIB);
}
