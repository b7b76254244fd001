#include <stdlib.h>
#include <string.h>

static __thread char *kept;
static __thread char dynamic_tls[4000];

int plugin_runs(int round)
{
    dynamic_tls[round % 4000] = 1;
    free(kept);
    kept = strdup("a plugin with thread-local storage of its own");
    void *block = malloc((size_t)round * 100);
    block = realloc(block, (size_t)round * 200 + 1);
    int served = block && kept;
    free(block);
    return served;
}
