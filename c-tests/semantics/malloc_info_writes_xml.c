#include "expect.h"

int main(void)
{
    static char text[1 << 20];
    FILE *stream = fmemopen(text, sizeof text - 1, "w");
    EXPECT(stream != NULL);
    EXPECT(malloc_info(0, stream) == 0);
    fclose(stream);
    EXPECT(strncmp(text, "<malloc version=\"1\">", 20) == 0);
    EXPECT(strstr(text, "</malloc>") != NULL);
}
