cat > program.c << 'END'
#include <stdlib.h>
#include <string.h>
#include <malloc.h>
int main(void)
{
    char *text = strdup("text");
    text = realloc(text, 100000);
    return text == NULL || strcmp(text, "text") != 0 || mallinfo2().uordblks + mallinfo2().hblkhd < 100000;
}
END
echo 'int main(void) { return 0; }' > empty.c
$CC -static empty.c -o empty 2> /dev/null && ./empty || exit 77
$CC -static program.c "$LIB_A" -lpthread -o program && ./program
