#include "expect.h"

int main(void)
{
    char *line = NULL, *text = strdup("a line\n");
    size_t bytes = 0;
    EXPECT(text != NULL);
    EXPECT(malloc_usable_size(text) >= 8);
    FILE *stream = fmemopen(text, 7, "r");
    EXPECT(getline(&line, &bytes, stream) == 7);
    fclose(stream);
    EXPECT(malloc_usable_size(line) >= 8);
    free(line);
    EXPECT(asprintf(&line, "%s%d", text, 5) == 8);
    line = realloc(line, 5000);
    EXPECT(line && strcmp(line, "a line\n5") == 0);
    free(line);
    free(text);
    free(realpath("/", NULL));
    free(getcwd(NULL, 0));
}
