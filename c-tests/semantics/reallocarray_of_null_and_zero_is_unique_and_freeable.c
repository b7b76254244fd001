#include "expect.h"

int main(void)
{
    void *block[] = {reallocarray(NULL, 0, 0), reallocarray(NULL, 0, 8), reallocarray(NULL, 8, 0)};
    for (size_t i = 0; i < COUNT_OF(block); i++) {
        EXPECT(block[i] != NULL);
        for (size_t j = 0; j < i; j++) EXPECT(block[i] != block[j]);
    }
    for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
}
