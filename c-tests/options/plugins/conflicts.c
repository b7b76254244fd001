/* Defines what the program defines as well. */
#include <stdlib.h>

const char *conflicting(void) { return "plugin"; }
const char *plugin_finds(void) { return conflicting(); }
void *plugin_malloc(void) { return (void *)malloc; }
