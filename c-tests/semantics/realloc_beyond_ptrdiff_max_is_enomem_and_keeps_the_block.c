#include "expect.h"
#include "too_large.h"

int main(void)
{
    static const size_t HELD[] = {1, 40, 1000, 5000, 40000, 300000, 3 * MIB, 40 * MIB};
    for (size_t i = 0; i < COUNT_OF(HELD); i++) {
        void *block = malloc(HELD[i]);
        EXPECT(block != NULL);
        fill(block, HELD[i], 7);
        for (size_t j = 0; j < COUNT_OF(TOO_LARGE); j++) EXPECT_REFUSED(realloc(block, hidden_size(TOO_LARGE[j])), ENOMEM);
        EXPECT(is_filled(block, HELD[i], 7));
        EXPECT(malloc_usable_size(block) >= HELD[i]);
        free(block);
    }
}
