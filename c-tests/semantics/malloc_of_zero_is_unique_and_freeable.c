#include "expect.h"

int main(void)
{
    void *one = malloc(0), *other = malloc(0);
    EXPECT(one != NULL);
    EXPECT(other != NULL);
    EXPECT(one != other);
    free(one);
    free(other);
}
