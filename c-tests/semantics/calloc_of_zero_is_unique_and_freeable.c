#include "expect.h"

int main(void)
{
    void *block[] = {calloc(0, 0), calloc(0, 8), calloc(8, 0), calloc(0, SIZE_MAX), calloc(SIZE_MAX, 0)};
    for (size_t i = 0; i < COUNT_OF(block); i++) {
        EXPECT(block[i] != NULL);
        for (size_t j = 0; j < i; j++) EXPECT(block[i] != block[j]);
    }
    for (size_t i = 0; i < COUNT_OF(block); i++) free(block[i]);
}
