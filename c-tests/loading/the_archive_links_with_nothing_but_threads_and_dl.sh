cat > program.c << 'END'
#include <stdlib.h>
#include <string.h>
int main(void) { char *text = strdup("text"); int result = strcmp(realloc(text, 100000), "text"); return result; }
END
$CC program.c "$LIB_A" -lpthread -ldl -o program && ./program
