/* Takes blocks from the program and gives it others. */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void plugin_frees(void *block) { free(block); }
void *plugin_grows(void *block, size_t bytes) { return realloc(block, bytes); }
char *plugin_copies(const char *text) { return strdup(text); }
void *plugin_allocates(size_t bytes) { return malloc(bytes); }

char *plugin_prints(int number)
{
    char *text = NULL;
    return asprintf(&text, "number %d", number) < 0 ? NULL : text;
}
