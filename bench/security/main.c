#include "mistake.h"

#include <stdio.h>

static const struct group *const GROUPS[] = {&DOUBLE_FREES, &BAD_FREES, &OVERFLOWS, &FREED_MEMORY, &BAD_SIZES, &HEAPS, &LUCK};

static int list(void)
{
    for (size_t i = 0; i < COUNT_OF(GROUPS); i++) {
        for (size_t j = 0; j < GROUPS[i]->count; j++) printf("%s\t%s\n", GROUPS[i]->name, GROUPS[i]->mistakes[j].name);
    }
    return 0;
}

/* Without arguments the mistakes are listed; otherwise the one that is named is made. */
int main(int arguments, char **argument)
{
    if (arguments < 3) return list();
    for (size_t i = 0; i < COUNT_OF(GROUPS); i++) {
        for (size_t j = 0; j < GROUPS[i]->count && strcmp(GROUPS[i]->name, argument[1]) == 0; j++) {
            if (strcmp(GROUPS[i]->mistakes[j].name, argument[2]) == 0) GROUPS[i]->mistakes[j].make();
        }
    }
    return 1;
}
