/* An interval of a heap's own does without the option: its samples have callers, and the profile is
 * written at the end. */
#include "heap.h"

#include "../profile/profile.h"

static int work(void)
{
    static struct dump dump;
    ta_heap_t *heap = heap_of("alone", 0);
    EXPECT(ta_heap_set_profile(heap, 1) == 0);
    for (int i = 0; i < 100; i++) EXPECT(ta_heap_malloc(heap, 1000) != NULL && malloc(1000) != NULL);
    const char *text = dump_now(&dump);
    EXPECT(strstr(text, "heap profile: 100: ") == text);
    EXPECT(strstr(text, "\"callers\":[]") == NULL && strstr(text, "\"name\":\"alone\"") != NULL);
    EXPECT(ta_heap_destroy(heap) == 0);
    return 0;
}

int main(int arguments, char **argument)
{
    (void)argument;
    require_tinyalloc();
    if (arguments > 1) return work();
    struct run run = run_with("profile_file=dump.%n", "work");
    EXPECT(succeeded(&run));
    EXPECT(unlink("dump.0") == 0 && unlink("dump.1") != 0);
}
