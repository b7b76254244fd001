#include "seccomp.h"

int main(void)
{
    REFUSE(ENOMEM, SYS_mremap);
    void *block = malloc(40 * MIB);
    EXPECT(block != NULL);
    fill(block, 40 * MIB, 1);
    block = realloc(block, 100 * MIB);
    EXPECT(block != NULL);
    EXPECT(is_filled(block, 40 * MIB, 1));
    block = realloc(block, 35 * MIB);
    EXPECT(block != NULL);
    EXPECT(is_filled(block, 35 * MIB, 1));
    free(block);
}
