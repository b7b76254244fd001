/* grep and sed read NULL here as "out of memory". */
#include "expect.h"

int main(void)
{
    void *one = realloc(NULL, 0), *other = realloc(NULL, 0);
    EXPECT(one != NULL);
    EXPECT(other != NULL);
    EXPECT(one != other);
    free(one);
    free(other);
}
